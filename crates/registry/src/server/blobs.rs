//! Reading and deleting blobs.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use notes_oci::{Digest, Repository};
use tokio::task::spawn_blocking;

use super::{
    Mode,
    range::{self, Wanted},
    refusal::Refusal,
    route::{Registry, empty},
    storage::{Kind, Storage},
};

/// Bytes read from the disk at once, and how many such pieces are read while one before them is sent.
const PIECE: usize = 256 * 1024;
const AHEAD: usize = 2;

pub(super) async fn read(
    registry: &Registry,
    repository: &Repository,
    digest: &Digest,
    head: &Parts,
) -> Result<Response, Refusal> {
    let (name, wanted) = (repository.clone(), *digest);
    let is_question = head.method == Method::HEAD && registry.mode == Mode::ReadWrite;
    let open = move |storage: &Storage| {
        if !storage.has_blob(&name, &wanted) {
            return Ok(None);
        }
        if is_question {
            storage.mark(&name, &wanted)?;
        }
        let file = File::open(storage.blob_path(&wanted))?;
        let size = file.metadata()?.len();
        Ok(Some((file, size)))
    };
    let opened = registry.storage.run(open).await?;
    let (file, size) = opened.ok_or_else(|| Refusal::blob_unknown(digest))?;
    let range = head.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, first, length) = match range::parse(range, size) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            response.headers_mut().insert(header::CONTENT_RANGE, text(format!("bytes */{size}")));
            return Ok(response);
        }
    };
    let mut response = Response::new(Body::from_stream(pieces(file, first, length)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert("docker-content-digest", text(digest.to_string()));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        headers.insert(header::CONTENT_RANGE, text(range));
    }
    Ok(response)
}

/// Returns `length` bytes of a file behind the first `first`.
fn pieces(file: File, first: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let (file, end) = (Arc::new(file), first + length);
    let read = move |offset| {
        let file = Arc::clone(&file);
        let length = usize::try_from(end - offset).unwrap_or(PIECE).min(PIECE);
        async move {
            let read = spawn_blocking(move || {
                let mut piece = vec![0; length];
                file.read_exact_at(&mut piece, offset).map(|()| piece.into())
            });
            read.await.map_err(io::Error::other)?
        }
    };
    stream::iter((first..end).step_by(PIECE)).map(read).buffered(AHEAD)
}

pub(super) async fn delete(
    registry: &Registry,
    repository: &Repository,
    digest: &Digest,
) -> Result<Response, Refusal> {
    let (name, hex) = (repository.clone(), digest.hex());
    let removed =
        registry.storage.run(move |storage| storage.unlink(&name, Kind::Blobs, &hex)).await?;
    if removed { Ok(empty(StatusCode::ACCEPTED)) } else { Err(Refusal::blob_unknown(digest)) }
}

/// Returns a header of text this server made: digests, numbers and checked names.
pub(super) fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("digests, numbers and checked names are visible ASCII")
}
