//! One request to a registry, and why it failed.

use std::{error::Error, io, time::Duration};

use notes_oci::Registry;
use reqwest::Url;

use crate::{
    credentials::CredentialError, refusal::Refusal, retry::is_transient_status, stall::Stalled,
};

/// The error returned when a registry does not do what was asked.
///
/// Requests are shown without their query: it may hold signatures and tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There was no answer, or not all of it.
    #[error("`{request}` failed")]
    NoAnswer {
        /// The method and the address.
        request: String,
        /// What the HTTP client says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The registry refuses.
    #[error("`{request}` was answered with {refusal}")]
    Refused {
        /// The method and the address.
        request: String,
        /// The answer.
        refusal: Box<Refusal>,
    },
    /// The answer makes no sense, or leads where we do not go.
    #[error("the answer to `{request}` cannot be used: {problem}")]
    Answer {
        /// The method and the address.
        request: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A credential for the registry is set up, and wrongly.
    #[error("the credential for `{registry}` cannot be used")]
    Credential {
        /// The registry.
        registry: Registry,
        /// Why not.
        source: CredentialError,
    },
    /// A push needs a credential, and none was found.
    #[error("there is no credential for `{registry}`")]
    NoCredential {
        /// The registry.
        registry: Registry,
        /// The places that were searched.
        searched: Vec<String>,
    },
}

/// Why no answer came, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Refused,
    UnknownName,
    UntrustedCertificate,
    PlainHttp,
    Redirect,
    Other,
}

impl RequestError {
    pub(crate) fn no_answer(request: String, error: reqwest::Error) -> Self {
        Self::NoAnswer { request, source: error.without_url().into() }
    }

    pub(crate) fn stalled(request: String, stalled: Stalled) -> Self {
        Self::NoAnswer { request, source: stalled.into() }
    }

    pub(crate) fn answer(request: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Answer { request: request.into(), problem: problem.into() }
    }

    /// Returns the HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// Returns the answer, where the registry refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Tells whether the credentials are missing, wrong or not enough.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Credential { .. } | Self::NoCredential { .. })
            || matches!(self.status(), Some(401 | 403))
    }

    /// Tells whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Tells whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => {
                matches!(self.cause(), Cause::Refused | Cause::UnknownName | Cause::Other)
            }
            Self::Refused { refusal, .. } => {
                reqwest::StatusCode::from_u16(refusal.status).is_ok_and(is_transient_status)
                    || self.is_of_upload()
            }
            _ => false,
        }
    }

    /// Tells whether the registry says so by `code` (distribution spec, "Error Codes").
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code.as_deref() == Some(code))
    }

    /// Tells whether an upload is not one that the registry can go on with; another one may be.
    pub(crate) fn is_of_upload(&self) -> bool {
        self.has_code("BLOB_UPLOAD_INVALID") || self.has_code("BLOB_UPLOAD_UNKNOWN")
    }

    /// Returns when the registry wants to be asked again, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAnswer { .. } => self.cause().hint().map(Into::into),
            Self::Refused { refusal, .. } => refusal.hint(),
            Self::Credential { source, .. } => source.hint(),
            Self::NoCredential { searched, .. } => Some(searched_hint(searched)),
            Self::Answer { .. } => None,
        }
    }

    fn cause(&self) -> Cause {
        let Self::NoAnswer { source, .. } = self else { return Cause::Other };
        let mut error: Option<&(dyn Error + 'static)> = Some(source.as_ref());
        while let Some(current) = error {
            if let Some(cause) = Cause::of(current) {
                return cause;
            }
            // An `io::Error` names its inner error's source as its own, and so hides the inner error.
            error = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => current.source(),
            };
        }
        Cause::Other
    }
}

impl Cause {
    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidMessage(_) => Some(Self::PlainHttp),
                rustls::Error::InvalidCertificate(_) => Some(Self::UntrustedCertificate),
                _ => None,
            };
        }
        if let Some(client) = error.downcast_ref::<reqwest::Error>() {
            return match () {
                () if client.is_redirect() => Some(Self::Redirect),
                () if client.is_dns() => Some(Self::UnknownName),
                () => None,
            };
        }
        let io = error.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::ConnectionRefused).then_some(Self::Refused)
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Refused => {
                Some("nothing listens there; is the registry running, and the port right?")
            }
            Self::UnknownName => Some(
                "the name does not resolve; behind a proxy set `HTTPS_PROXY`, and see whether `NO_PROXY` is too wide",
            ),
            Self::UntrustedCertificate => Some(
                "put the registry's certificate authority into `/etc/docker/certs.d/HOST/ca.crt`, or name it with `SSL_CERT_FILE`",
            ),
            Self::PlainHttp => Some(
                "the registry speaks plain HTTP; if that is meant, name it with `--insecure-registry`",
            ),
            Self::Redirect | Self::Other => None,
        }
    }
}

pub(crate) fn searched_hint(searched: &[String]) -> String {
    if searched.is_empty() {
        return "no place was searched for a credential".into();
    }
    format!("searched for a credential in {}", searched.join(", "))
}

/// Returns the method and the address without its query.
pub(crate) fn describe(method: &str, url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Setting these fails for addresses that cannot have them, which then have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    format!("{method} {url}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_without_secrets() {
        let url = "https://user:pass@example.com/v2/a/blobs/uploads/1?_state=secret#x".parse();
        assert_eq!(describe("PUT", &url.unwrap()), "PUT https://example.com/v2/a/blobs/uploads/1");
    }
}
