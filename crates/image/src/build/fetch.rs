//! Downloads: the port through which `ADD` gets what a URL names.

use std::{error, fmt, io::Write, pin::Pin};

/// Downloads files. Implemented by whoever has a network: this crate has none.
pub trait Fetch: Send + Sync {
    /// Writes what `url` names into `sink`, all of it or an error, redirects followed.
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        sink: &'a mut (dyn Write + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;
}

/// What a server says about a file beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// `Last-Modified`, in seconds since 1970.
    pub modified: Option<i64>,
}

impl Fetched {
    /// Returns what the value of a `Last-Modified` header says (RFC 9110, section 5.6.7, the preferred format); a date that
    /// cannot be read is none.
    ///
    /// ```
    /// use notes_image::build::Fetched;
    ///
    /// let fetched = Fetched::of_date(Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    /// assert_eq!(fetched.modified, Some(784_111_777));
    /// assert_eq!(Fetched::of_date(Some("yesterday")).modified, None);
    /// ```
    pub fn of_date(last_modified: Option<&str>) -> Self {
        let time = last_modified.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        let modified = time.map(|time| time.timestamp().as_second());
        Self { modified: modified.filter(|seconds| *seconds > 0) }
    }
}

/// The error returned when a file could not be downloaded.
#[derive(Debug)]
pub struct FetchError {
    source: Box<dyn error::Error + Send + Sync>,
    hint: Option<String>,
}

impl FetchError {
    /// Wraps what went wrong.
    pub fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { source: source.into(), hint: None }
    }

    /// Adds what to do about it.
    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// The message is the wrapped error's, and so is the cause.
impl error::Error for FetchError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.source()
    }
}
