//! An answer that refuses, and what it says.

use std::{fmt, time::Duration};

use notes_oci::Registry;
use reqwest::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    client,
    rate_limit::{RateLimit, Span},
    request::searched_hint,
    retry::retry_after,
};

/// Of an error answer no more is read; some proxies send whole web pages.
const ERROR_BODY_LIMIT: usize = 64 << 10;
/// What is shorter is a word, and would be replaced in every sentence.
const SHORTEST_SECRET: usize = 6;
/// Of a message no more is shown.
const MESSAGE_LIMIT: usize = 300;

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
    /// The limit on requests that was reached, where the registry states one.
    pub limit: Option<RateLimit>,
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

impl Refusal {
    pub(crate) fn hint(&self) -> Option<String> {
        let registry = &self.registry;
        match (self.status, self.code.as_deref()) {
            (429, _) | (_, Some("TOOMANYREQUESTS")) => Some(self.limited()),
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
            (413, _) => {
                Some("a proxy in front of the registry limits the size of an upload".into())
            }
            (400, None) if self.message.contains("HTTP request to an HTTPS server") => {
                Some("the registry speaks TLS there".into())
            }
            _ => None,
        }
    }

    /// Says which limit was reached, for whom, and until when.
    fn limited(&self) -> String {
        let registry = &self.registry;
        let whom = match (self.limit.as_ref().and_then(|it| it.source.as_ref()), &self.credential) {
            (Some(source), _) => format!("for `{source}`"),
            (None, Some(credential)) => format!("for the account of {credential}"),
            (None, None) => "for anonymous requests from this address".into(),
        };
        let what = match &self.limit {
            Some(limit) => limit.to_string(),
            None => "only so much".into(),
        };
        let until = self.retry_after.map(|delay| format!(", more in {}", Span(delay)));
        let remedy = if registry.is_docker_hub() {
            "log in, wait, or name a mirror with `--mirror docker.io=…`"
        } else {
            "log in, or wait"
        };
        format!("`{registry}` allows {what} {whom}{}; {remedy}", until.unwrap_or_default())
    }
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
///
/// Some servers quote the request; `secrets` are left out of what they say.
pub(crate) async fn read(
    registry: &Registry,
    mut response: Response,
    secrets: &[SecretString],
) -> Refusal {
    let status = response.status();
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let request_id =
        ["x-request-id", "docker-request-id", "x-amzn-requestid"].into_iter().find_map(header);
    let retry_after = retry_after(response.headers());
    let limit = RateLimit::read(response.headers());
    // What was said so far is said, even if the rest never comes.
    let mut body = Vec::new();
    while body.len() < ERROR_BODY_LIMIT
        && let Ok(Some(chunk)) = client::chunk(&mut response).await
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
        message: without(&message, secrets).chars().take(MESSAGE_LIMIT).collect(),
        request_id,
        retry_after,
        limit,
        credential: None,
        searched: Vec::new(),
    }
}

/// Returns `text` with an ellipsis for each secret. What is as short as a word stands for itself.
fn without(text: &str, secrets: &[SecretString]) -> String {
    let secrets = secrets.iter().map(ExposeSecret::expose_secret);
    secrets
        .filter(|it| it.len() >= SHORTEST_SECRET)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
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

    fn limited(limit: Option<&str>, source: Option<&str>, credential: Option<&str>) -> String {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in [("ratelimit-limit", limit), ("docker-ratelimit-source", source)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let refusal = Refusal {
            registry: Registry::docker_hub(),
            status: 429,
            code: None,
            message: String::new(),
            request_id: None,
            retry_after: Some(Duration::from_mins(63)),
            limit: RateLimit::read(&headers),
            credential: credential.map(Into::into),
            searched: Vec::new(),
        };
        refusal.hint().unwrap()
    }

    #[test]
    fn a_limit_is_told_with_whom_it_is_for_and_until_when() {
        let source = Some("203.0.113.7");
        insta::assert_snapshot!(limited(Some("100;w=21600"), source, None), @"`docker.io` allows 100 pulls in 6 h for `203.0.113.7`, more in 1 h 3 min; log in, wait, or name a mirror with `--mirror docker.io=…`");
        insta::assert_snapshot!(limited(None, None, Some("`DOCKERHUB_PASSWORD`")), @"`docker.io` allows only so much for the account of `DOCKERHUB_PASSWORD`, more in 1 h 3 min; log in, wait, or name a mirror with `--mirror docker.io=…`");
        insta::assert_snapshot!(limited(None, None, None), @"`docker.io` allows only so much for anonymous requests from this address, more in 1 h 3 min; log in, wait, or name a mirror with `--mirror docker.io=…`");
    }

    #[test]
    fn what_a_server_quotes_is_not_passed_on() {
        let secrets = ["sesame-open", "no"].map(|text| SecretString::from(text.to_owned()));
        let said = without("no entry with sesame-open, no", &secrets);
        assert_eq!(said, "no entry with …, no");
    }

    #[test]
    fn a_web_page_is_not_a_message() {
        let status = reqwest::StatusCode::BAD_GATEWAY;
        assert_eq!(plain(b"<html><h1>oops</h1>", status), "Bad Gateway");
        assert_eq!(plain(b"too many requests\nsee", status), "too many requests");
    }
}
