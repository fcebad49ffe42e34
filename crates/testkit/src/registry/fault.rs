//! What breaks, and when.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;

use super::{Answered, pace, socket::Connection};

/// What signs the location of [`Fault::AbsoluteLocation`], encoded.
pub const SIGNATURE: &str = "canary%3Dsignature";

/// How a request is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset after the first bytes of the request's body, without an answer.
    Reset,
    /// So many bytes of the request's body arrive, then the connection breaks.
    BreakAfter(usize),
    /// The request is carried out, and the connection breaks before the answer.
    LoseAnswer,
    /// There is never an answer, and no byte of the request's body is read.
    Stall,
    /// After so many bytes of the answer's body nothing comes any more.
    StallAfter(usize),
    /// The bytes of both bodies come slowly.
    Drip,
    /// The connection breaks after so many bytes of the answer's body.
    Truncate(usize),
    /// The answer is this status and nothing else.
    Status(u16),
    /// The answer is this status with these headers and this text.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The answer is this status and quotes the `Authorization` of the request.
    Quote(u16),
    /// The answer has one more header, or another value of it.
    Header(&'static str, String),
    /// The answer lacks a header.
    WithoutHeader(&'static str),
    /// What is accepted (202) is said to be created (201), and not how far it has come, as ECR does.
    Created,
    /// The answer is 429, and the request may be sent again after so many seconds.
    TooManyRequests(u64),
    /// All tokens given out so far are invalid, from this request on.
    ExpireTokens,
    /// A mount is answered with 202 and an upload, as if the blob were not there.
    RefuseMount,
    /// The answer names another digest than the bytes have.
    WrongDigest,
    /// The bytes of the answer are others, of the same length.
    Corrupt,
    /// A range is ignored: the answer is the whole blob.
    IgnoreRange,
    /// The location of an upload is absolute and has a query.
    AbsoluteLocation,
    /// The location of an upload leads to an address of a private network.
    PrivateLocation,
}

/// Which request is broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    method: Option<String>,
    path: Option<String>,
}

impl Matching {
    /// Matches any request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches requests of a method.
    pub fn method(method: &str) -> Self {
        Self { method: Some(method.into()), path: None }
    }

    /// Matches requests whose path or query has `part` in it as well.
    pub fn path(self, part: &str) -> Self {
        Self { path: Some(part.into()), ..self }
    }

    pub(super) fn matches(&self, request: &Answered) -> bool {
        let whole = format!("{}?{}", request.path, request.query);
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.path.as_ref().is_none_or(|part| whole.contains(part.as_str()))
    }
}

/// A fault that waits for its request.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) matching: Matching,
    pub(super) fault: Fault,
}

/// Answers `request` as `fault` says.
pub(super) async fn answer(
    fault: Fault,
    mut request: Request,
    next: Next,
    connection: &Connection,
) -> Response {
    match fault {
        Fault::Reset => {
            // Some bytes arrive, so that the client is in the middle of its body.
            request.into_body().into_data_stream().next().await;
            connection.break_off();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Fault::BreakAfter(bytes) => {
            drop(next.run(request.map(|body| pace::broken(body, bytes))).await);
            connection.break_off();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Fault::LoseAnswer => {
            drop(next.run(request).await);
            connection.break_off();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Fault::Stall => std::future::pending().await,
        Fault::StallAfter(bytes) => next.run(request).await.map(|body| pace::stalling(body, bytes)),
        Fault::Drip => next.run(request.map(pace::dripping)).await.map(pace::dripping),
        Fault::Truncate(after) => next.run(request).await.map(|body| pace::broken(body, after)),
        Fault::Status(status) => status_code(status).into_response(),
        Fault::Answer(status, headers, text) => {
            let mut response = (status_code(status), text).into_response();
            for (name, value) in headers {
                set(&mut response, name, &value);
            }
            response
        }
        Fault::Quote(status) => {
            let header = request.headers().get(header::AUTHORIZATION);
            let header = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
            (status_code(status), format!("`{header}` may not do this")).into_response()
        }
        Fault::Header(name, value) => {
            let mut response = next.run(request).await;
            set(&mut response, name, &value);
            response
        }
        Fault::WithoutHeader(name) => {
            let mut response = next.run(request).await;
            response.headers_mut().remove(name);
            response
        }
        Fault::Created => {
            let mut response = next.run(request).await;
            if response.status() == StatusCode::ACCEPTED {
                *response.status_mut() = StatusCode::CREATED;
                response.headers_mut().remove(header::RANGE);
            }
            response
        }
        Fault::TooManyRequests(seconds) => {
            let retry = [(header::RETRY_AFTER, seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, retry, "too many requests").into_response()
        }
        Fault::ExpireTokens => next.run(request).await,
        Fault::RefuseMount => {
            // Without its query a mount is the start of an upload.
            if request.uri().query().is_some_and(|query| query.contains("mount=")) {
                let path = request.uri().path().to_owned();
                *request.uri_mut() = path.parse().expect("a path is an address");
            }
            next.run(request).await
        }
        Fault::WrongDigest => {
            let mut response = next.run(request).await;
            let other = format!("sha256:{}", "0".repeat(64));
            set(&mut response, "docker-content-digest", &other);
            response
        }
        Fault::Corrupt => {
            let flip = |bytes: Bytes| bytes.iter().map(|byte| byte ^ 1).collect::<Bytes>();
            let corrupt = |body: Body| body.into_data_stream().map(move |it| it.map(flip));
            next.run(request).await.map(|body| Body::from_stream(corrupt(body)))
        }
        Fault::IgnoreRange => {
            request.headers_mut().remove(header::RANGE);
            next.run(request).await
        }
        Fault::AbsoluteLocation => {
            let host = request.headers().get(header::HOST).cloned();
            let host =
                host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
            let after = format!("?_state={SIGNATURE}");
            relocated(next.run(request).await, &format!("http://{host}"), &after)
        }
        Fault::PrivateLocation => relocated(next.run(request).await, "ftp://169.254.169.254", ""),
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a test names a status")
}

fn relocated(mut response: Response, before: &str, after: &str) -> Response {
    let location = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
    if let Some(location) = location.map(|it| format!("{before}{it}{after}")) {
        set(&mut response, "location", &location);
    }
    response
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    let value = HeaderValue::try_from(value).expect("a test's header is visible ASCII");
    response.headers_mut().insert(name, value);
}
