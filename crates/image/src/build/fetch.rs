//! Downloads: the port through which `ADD` gets what a URL names.

use std::{error, fmt, io::Write, pin::Pin};

use serde::{Deserialize, Serialize};

/// Downloads files. Implemented by whoever has a network: this crate has none.
pub trait Fetch: Send + Sync {
    /// Writes what `url` names into `sink`, all of it or an error, redirects followed. A server that says that the file is
    /// still the one with these `validators` is asked for nothing more.
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        validators: Option<&'a Validators>,
        sink: &'a mut (dyn Write + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;
}

/// What became of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The file is the one that was asked about; nothing was written.
    Unchanged,
    /// It was written.
    File(Validators),
}

/// What a server says about a version of a file, and is told when it is asked for another one (RFC 9110, section 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The value of `ETag`.
    pub entity_tag: Option<String>,
    /// The value of `Last-Modified`.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Tells whether there is something to ask with.
    pub fn is_empty(&self) -> bool {
        self.entity_tag.is_none() && self.last_modified.is_none()
    }

    /// Returns the time of the file in seconds since 1970 (RFC 9110, section 5.6.7, the preferred format); a date that
    /// cannot be read is none.
    ///
    /// ```
    /// use notes_image::build::Validators;
    ///
    /// let of = |date: &str| Validators { last_modified: Some(date.into()), ..Validators::default() };
    /// assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT").modified(), Some(784_111_777));
    /// assert_eq!(of("yesterday").modified(), None);
    /// ```
    pub fn modified(&self) -> Option<i64> {
        let time = jiff::fmt::rfc2822::parse(self.last_modified.as_deref()?).ok()?;
        Some(time.timestamp().as_second()).filter(|seconds| *seconds > 0)
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

    /// Returns what went wrong, for those who know its type.
    pub fn get_ref(&self) -> &(dyn error::Error + Send + Sync + 'static) {
        &*self.source
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
