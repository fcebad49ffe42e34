//! Error answers in the words of the distribution spec ("Error Codes").

use std::io;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::access::Need;

/// An answer that refuses a request.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// What is asked of a client that has not shown who it is.
    challenge: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), challenge: None }
    }

    pub(super) fn unauthorized(challenge: String) -> Self {
        let message = "authentication is required";
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
        Self { challenge: Some(challenge), ..refusal }
    }

    pub(super) fn denied(Need { action, repository }: &Need) -> Self {
        let message = format!("this user may not {action} `{repository}`");
        Self::new(StatusCode::FORBIDDEN, "DENIED", message)
    }

    pub(super) fn name_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "NAME_INVALID", message)
    }

    pub(super) fn name_unknown(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", format!("no repository `{name}`"))
    }

    pub(super) fn digest_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
    }

    pub(super) fn blob_unknown(digest: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", format!("no blob `{digest}`"))
    }

    pub(super) fn upload_unknown(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", format!("no upload `{id}`"))
    }

    pub(super) fn upload_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message)
    }

    pub(super) fn size_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "SIZE_INVALID", message)
    }

    pub(super) fn upload_busy(id: &str) -> Self {
        let message = format!("another request writes to upload `{id}`");
        Self::new(StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID", message)
    }

    pub(super) fn manifest_unknown(which: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", format!("no manifest `{which}`"))
    }

    pub(super) fn manifest_invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
    }

    pub(super) fn manifest_blob_unknown(digest: impl std::fmt::Display) -> Self {
        let message = format!("the manifest names `{digest}`, which was not pushed");
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", message)
    }

    pub(super) fn manifest_too_large(limit: usize) -> Self {
        let message = format!("a manifest may have {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", message)
    }

    pub(super) fn form_invalid(problem: impl std::fmt::Display) -> Self {
        let message = format!("the form does not ask for a token: {problem}");
        Self::new(StatusCode::BAD_REQUEST, "UNSUPPORTED", message)
    }

    pub(super) fn page_invalid(number: &str) -> Self {
        let message = format!("`n={number}` is no number of names");
        Self::new(StatusCode::BAD_REQUEST, "UNSUPPORTED", message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub(super) fn no_such_method(method: &str) -> Self {
        Self::unsupported(format!("`{method}` is not supported here"))
    }

    pub(super) fn read_only() -> Self {
        Self::unsupported("the registry is read-only")
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "UNSUPPORTED", "no such resource")
    }
}

/// A failing disk is the server's trouble: the client learns that it happened, the log what happened.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "a request failed");
        let message = match error.kind() {
            io::ErrorKind::StorageFull => "the registry's disk is full",
            _ => "the registry failed to read or write its files",
        };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // It names the host that the client asked for, which a header has carried already.
        if let Some(challenge) = self.challenge.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
