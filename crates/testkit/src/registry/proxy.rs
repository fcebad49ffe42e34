//! What stands behind a registry with faults that is not in this process: requests go on to another server.

use std::{error::Error, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Returns a router that passes everything on.
pub(super) fn router(upstream: SocketAddr) -> Router {
    Router::new().fallback(forward).with_state(upstream)
}

async fn forward(State(upstream): State<SocketAddr>, request: Request) -> Response {
    exchange(upstream, request).await.unwrap_or_else(|error| {
        (StatusCode::BAD_GATEWAY, format!("the server behind the proxy failed: {error}"))
            .into_response()
    })
}

/// Sends a request on a connection of its own, so that one that breaks takes nothing with it.
async fn exchange(
    upstream: SocketAddr,
    request: Request,
) -> Result<Response, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(upstream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.map(Body::new))
}
