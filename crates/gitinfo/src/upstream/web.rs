//! The port for HTTP.

use std::{error, fmt, io::Read, sync::Arc};

/// Sends HTTP requests. Implemented by whoever has a client: this crate has none, so that proxies, certificates and the
/// rules for redirects are those of everything else the program asks for.
pub trait Web: Send + Sync {
    /// Sends a request and returns the answer as soon as its head is there, redirects followed. A status that is not a
    /// success is an error. May block: it is called where that is allowed.
    fn send(&self, request: Request) -> Result<Answer, WebError>;
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// The whole address, without a name or a password.
    pub address: String,
    /// Names and values of headers; `Authorization` may be among them.
    pub headers: Vec<(String, String)>,
    /// What is sent with `POST`; without it the method is `GET`.
    pub body: Option<Vec<u8>>,
}

/// The answer to a request.
pub struct Answer {
    /// The address that answered, after redirects.
    pub address: String,
    /// The value of `Content-Type`, empty without one.
    pub content_type: String,
    /// The content, which comes as it is read.
    pub body: Box<dyn Read + Send>,
}

/// The error returned when a request is not answered with what it asks for.
#[derive(Clone, Debug)]
pub struct WebError(Arc<dyn error::Error + Send + Sync>);

impl WebError {
    /// Wraps what went wrong.
    pub fn new(source: impl error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns what went wrong.
    pub fn get_ref(&self) -> &(dyn error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The message is the wrapped error's, and so is the cause.
impl error::Error for WebError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("address", &self.address).finish_non_exhaustive()
    }
}
