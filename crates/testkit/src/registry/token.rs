//! A token server: one user, tokens that cover the scopes they were asked for.

use std::{collections::HashMap, net::SocketAddr};

use axum::{
    extract::{Query, Request},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// What each token begins with.
pub const TOKEN: &str = "canary-token";

/// The user's identity token.
pub const IDENTITY: &str = "canary-identity";
/// Where tokens are asked for.
pub(super) const PATH: &str = "/token";

/// base64 of `user:correct horse`.
const USER_HEADER: &str = "Basic dXNlcjpjb3JyZWN0IGhvcnNl";

pub(super) fn is_user(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value == USER_HEADER)
}

/// The tokens that hold, each with its scopes.
#[derive(Debug)]
pub(super) struct Tokens {
    challenge: String,
    /// A token covers the last of the scopes that were asked for, and no other.
    only_last: bool,
    given: u64,
    valid: HashMap<String, Vec<String>>,
}

impl Tokens {
    pub(super) fn new(address: SocketAddr, only_last: bool) -> Self {
        let challenge = format!("Bearer realm=\"http://{address}{PATH}\",service=\"test\"");
        Self { challenge, only_last, given: 0, valid: HashMap::new() }
    }

    pub(super) fn expire(&mut self) {
        self.valid.clear();
    }

    /// Answers a question to the token server.
    pub(super) fn grant(&mut self, request: &Request) -> Response {
        if !is_user(request.headers()) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        self.give(all(request.uri(), "scope"))
    }

    /// Answers a form with an identity token (distribution, "`OAuth2` Token Authentication").
    pub(super) fn exchange(&mut self, form: &str) -> Response {
        let Ok(form) = format!("/?{form}").parse() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let is_user = all(&form, "refresh_token") == [IDENTITY];
        if !is_user || all(&form, "grant_type") != ["refresh_token"] {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let scopes = all(&form, "scope");
        self.give(scopes.iter().flat_map(|it| it.split(' ')).map(Into::into).collect())
    }

    fn give(&mut self, mut scopes: Vec<String>) -> Response {
        if self.only_last {
            scopes.drain(..scopes.len().saturating_sub(1));
        }
        self.given += 1;
        let token = format!("{TOKEN}-{}", self.given);
        self.valid.insert(token.clone(), scopes);
        let body = json!({ "token": token, "expires_in": 300 }).to_string();
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }

    /// Lets a request through if its token covers it.
    #[expect(clippy::result_large_err, reason = "a response is what the caller answers with")]
    pub(super) fn check(&self, request: &Request) -> Result<(), Response> {
        let scopes = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(|token| self.valid.get(token));
        let error = match scopes {
            Some(scopes) if needed(request).iter().all(|it| covers(scopes, it)) => return Ok(()),
            Some(_) => ",error=\"insufficient_scope\"",
            None => "",
        };
        let challenge = format!("{}{error}", self.challenge);
        Err((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response())
    }
}

/// Returns the repositories and actions a request needs.
fn needed(request: &Request) -> Vec<(String, &'static str)> {
    let path = request.uri().path().trim_start_matches("/v2/");
    let name = ["/blobs/", "/manifests/", "/tags/", "/referrers/"]
        .iter()
        .find_map(|part| path.split_once(part))
        .map(|(name, _)| name.to_owned());
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    let own = name.map(|name| (name, if reads { "pull" } else { "push" }));
    let sources = all(request.uri(), "from").into_iter().map(|source| (source, "pull"));
    own.into_iter().chain(sources).collect()
}

fn covers(scopes: &[String], (name, action): &(String, &'static str)) -> bool {
    scopes.iter().any(|scope| {
        scope
            .strip_prefix(&format!("repository:{name}:"))
            .is_some_and(|actions| actions.split(',').any(|it| it == *action))
    })
}

fn all(address: &Uri, key: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> =
        Query::try_from_uri(address).map(|query| query.0).unwrap_or_default();
    pairs.into_iter().filter(|(name, _)| name == key).map(|(_, value)| value).collect()
}
