//! Reading and deleting blobs.

use std::io::SeekFrom;

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use notes_oci::{Digest, Repository};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::{
    Mode,
    range::{self, Wanted},
    refusal::Refusal,
    route::{Registry, empty},
    storage::{Kind, Storage},
};

/// Bytes read from the disk at once.
const BUFFER: usize = 256 * 1024;

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
        let file = std::fs::File::open(storage.blob_path(&wanted))?;
        let size = file.metadata()?.len();
        Ok(Some((file, size)))
    };
    let opened = registry.storage.run(open).await?;
    let (file, size) = opened.ok_or_else(|| Refusal::blob_unknown(digest))?;
    let mut file = File::from_std(file);
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
    file.seek(SeekFrom::Start(first)).await?;
    let stream = ReaderStream::with_capacity(file.take(length), BUFFER);
    let mut response = Response::new(Body::from_stream(stream));
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
