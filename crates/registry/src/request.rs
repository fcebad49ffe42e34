//! One request to a registry, and why it failed.

use std::{error::Error, fmt, io, time::Duration};

use notes_oci::Registry;
use reqwest::{Response, Url};
use serde::Deserialize;

use crate::{
    credentials::CredentialError,
    retry::{is_transient_status, retry_after},
};

/// Of an error answer no more is read; some proxies send whole web pages.
const ERROR_BODY_LIMIT: usize = 64 << 10;
/// Of a message no more is shown.
const MESSAGE_LIMIT: usize = 300;

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

/// An answer that refuses.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The registry that was asked.
    pub registry: Registry,
    /// The HTTP status.
    pub status: u16,
    /// The error code of the distribution spec, such as `DENIED`.
    pub code: Option<String>,
    /// What the registry says.
    pub message: String,
    /// Its name for the request, for its operators' logs.
    pub request_id: Option<String>,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
    /// Where the credential in use was found; `None` for an anonymous request.
    pub credential: Option<String>,
    /// The places that were searched for a credential.
    pub searched: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.code.iter().try_for_each(|code| write!(f, " {code}"))?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        self.request_id.iter().try_for_each(|id| write!(f, " (request {id})"))
    }
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
                    || matches!(
                        refusal.code.as_deref(),
                        Some("BLOB_UPLOAD_INVALID" | "BLOB_UPLOAD_UNKNOWN")
                    )
            }
            _ => false,
        }
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
            Self::UntrustedCertificate => {
                Some("add the registry's certificate authority with `SSL_CERT_FILE` or `--ca-file`")
            }
            Self::PlainHttp => Some(
                "the registry speaks plain HTTP; if that is meant, name it with `--insecure-registry`",
            ),
            Self::Redirect | Self::Other => None,
        }
    }
}

impl Refusal {
    fn hint(&self) -> Option<String> {
        let registry = &self.registry;
        match (self.status, self.code.as_deref()) {
            (429, _) | (_, Some("TOOMANYREQUESTS")) if registry.is_docker_hub() => Some(
                "Docker Hub limits pulls per address and per account; log in, wait, or name a mirror with \
                 `--mirror docker.io=…`"
                    .into(),
            ),
            (429, _) => Some(format!("`{registry}` limits requests; wait, or log in")),
            (401 | 403, _) => Some(match &self.credential {
                Some(source) => format!(
                    "the credential from {source} is wrong or not enough: is the token read-only, the namespace yours, \
                     the repository there?"
                ),
                None => searched_hint(&self.searched),
            }),
            (404, Some("NAME_UNKNOWN")) => Some(format!(
                "some registries (ECR) do not create repositories; is it there, and do you see it in `{registry}`?"
            )),
            (413, _) => Some("a proxy in front of the registry limits the size of an upload".into()),
            (400, None) if self.message.contains("HTTP request to an HTTPS server") => {
                Some("the registry speaks TLS there".into())
            }
            _ => None,
        }
    }
}

fn searched_hint(searched: &[String]) -> String {
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

/// The body of an error answer (distribution spec, "Error Codes").
#[derive(Deserialize)]
struct Envelope {
    errors: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads what a refusal says.
pub(crate) async fn refusal(registry: &Registry, mut response: Response) -> Refusal {
    let status = response.status();
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let request_id =
        ["x-request-id", "docker-request-id", "x-amzn-requestid"].into_iter().find_map(header);
    let retry_after = retry_after(response.headers());
    // What was said so far is said, even if the rest never comes.
    let mut body = Vec::new();
    while body.len() < ERROR_BODY_LIMIT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    let first = serde_json::from_slice::<Envelope>(&body)
        .ok()
        .and_then(|envelope| envelope.errors.into_iter().next());
    let (code, message) = match first {
        Some(item) => (Some(item.code).filter(|code| !code.is_empty()), item.message),
        None => (None, plain(&body, status)),
    };
    Refusal {
        registry: registry.clone(),
        status: status.as_u16(),
        code,
        message: message.chars().take(MESSAGE_LIMIT).collect(),
        request_id,
        retry_after,
        credential: None,
        searched: Vec::new(),
    }
}

/// Returns the first line of a body that is no JSON; a web page is replaced by the status's own words.
fn plain(body: &[u8], status: reqwest::StatusCode) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('<') || line.starts_with('{') {
        return status.canonical_reason().unwrap_or_default().to_owned();
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_without_secrets() {
        let url = "https://user:pass@example.com/v2/a/blobs/uploads/1?_state=secret#x".parse();
        assert_eq!(describe("PUT", &url.unwrap()), "PUT https://example.com/v2/a/blobs/uploads/1");
    }

    #[test]
    fn a_web_page_is_not_a_message() {
        let status = reqwest::StatusCode::BAD_GATEWAY;
        assert_eq!(plain(b"<html><h1>oops</h1>", status), "Bad Gateway");
        assert_eq!(plain(b"too many requests\nsee", status), "too many requests");
    }
}
