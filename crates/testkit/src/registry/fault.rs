//! What breaks, and when.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};

use super::{Answered, socket::Connection};

/// How a request is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset after the first bytes of the request's body, without an answer.
    Reset,
    /// The connection breaks after so many bytes of the answer's body.
    Truncate(usize),
    /// The answer is this status and nothing else.
    Status(u16),
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
        Fault::Truncate(after) => {
            let (head, body) = next.run(request).await.into_parts();
            Response::from_parts(head, truncated(body, after).await)
        }
        Fault::Status(status) => StatusCode::from_u16(status)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response(),
        Fault::TooManyRequests(seconds) => {
            let retry = [(header::RETRY_AFTER, seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, retry, "too many requests").into_response()
        }
        Fault::ExpireTokens => next.run(request).await,
        Fault::RefuseMount => {
            // Without its query a mount is the start of an upload.
            let path = request.uri().path().to_owned();
            *request.uri_mut() = path.parse().expect("a path is an address");
            next.run(request).await
        }
        Fault::WrongDigest => {
            let mut response = next.run(request).await;
            let other = format!("sha256:{}", "0".repeat(64));
            set(&mut response, "docker-content-digest", &other);
            response
        }
        Fault::Corrupt => {
            let (head, body) = next.run(request).await.into_parts();
            let corrupt = body.into_data_stream().map(|chunk| {
                chunk.map(|chunk| chunk.iter().map(|byte| byte ^ 1).collect::<Bytes>())
            });
            Response::from_parts(head, Body::from_stream(corrupt))
        }
        Fault::IgnoreRange => {
            request.headers_mut().remove(header::RANGE);
            next.run(request).await
        }
        Fault::AbsoluteLocation => {
            let host = request.headers().get(header::HOST).cloned();
            let host =
                host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
            relocated(next.run(request).await, &format!("http://{host}"), "?_state=x%3Dy")
        }
        Fault::PrivateLocation => relocated(next.run(request).await, "ftp://169.254.169.254", ""),
    }
}

/// Returns a body that breaks the connection after some bytes.
async fn truncated(body: Body, after: usize) -> Body {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let first = bytes.slice(..after.min(bytes.len()));
    let broken = stream::iter([Ok(first), Err(std::io::ErrorKind::ConnectionReset)])
        .map(|part| part.map_err(std::io::Error::from))
        // Without a pause the server would drop what it has not written yet.
        .then(|part| async {
            tokio::task::yield_now().await;
            part
        });
    Body::from_stream(broken)
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
