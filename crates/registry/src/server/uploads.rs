//! Uploads: in one request, in chunks, or by mounting what another repository has.

use std::{
    collections::HashMap,
    io::SeekFrom,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
    response::Response,
};
use futures::StreamExt;
use notes_oci::{Digest, Hashing, Repository};
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
};

use super::{
    Durability,
    blobs::text,
    refusal::Refusal,
    route::{self, Registry, empty},
    storage::{Storage, random_name},
};

/// An upload nobody has written to for so long is forgotten.
const IDLE: Duration = Duration::from_hours(1);

/// The uploads under way.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    repository: Repository,
    touched: Instant,
    upload: Arc<tokio::sync::Mutex<Upload>>,
}

impl Uploads {
    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        // A map of handles is whole after every statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, repository: Repository, upload: Upload) -> String {
        let id = random_name();
        let upload = Arc::new(tokio::sync::Mutex::new(upload));
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.touched.elapsed() < IDLE);
        entries.insert(id.clone(), Entry { repository, touched: Instant::now(), upload });
        id
    }

    fn find(
        &self,
        repository: &Repository,
        id: &str,
    ) -> Result<Arc<tokio::sync::Mutex<Upload>>, Refusal> {
        let mut entries = self.entries();
        let entry = entries
            .get_mut(id)
            .filter(|entry| entry.repository == *repository)
            .ok_or_else(|| Refusal::upload_unknown(id))?;
        entry.touched = Instant::now();
        Ok(Arc::clone(&entry.upload))
    }

    fn remove(&self, id: &str) {
        self.entries().remove(id);
    }
}

/// One upload: a file that grows, and the digest of what it holds. Removed from the disk unless it became a blob.
#[derive(Debug)]
struct Upload {
    path: PathBuf,
    file: File,
    hashing: Hashing<()>,
    size: u64,
}

impl Upload {
    async fn create(storage: &Storage) -> Result<Self, Refusal> {
        let path = storage.temporary_path();
        let file = File::create(&path).await?;
        Ok(Self { path, file, hashing: Hashing::new(()), size: 0 })
    }

    /// Appends a body. What arrived before the connection broke counts, and an upload can go on from there.
    async fn append(&mut self, body: Body) -> Result<(), Refusal> {
        // A request that was cut off may have left bytes in the file that were not hashed.
        self.file.set_len(self.size).await?;
        self.file.seek(SeekFrom::Start(self.size)).await?;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::upload_invalid("the body ended early"))?;
            self.file.write_all(&chunk).await?;
            self.hashing.update(&chunk);
            self.size += chunk.len() as u64;
        }
        self.file.flush().await?;
        Ok(())
    }

    /// Makes it the blob `expected` of `repository`, if that is what it holds.
    async fn commit(
        &mut self,
        storage: &Storage,
        repository: &Repository,
        expected: Digest,
    ) -> Result<(), Refusal> {
        let ((), found, _) = std::mem::replace(&mut self.hashing, Hashing::new(())).finish();
        if found != expected {
            let message = format!("the bytes have digest `{found}`, not `{expected}`");
            return Err(Refusal::digest_invalid(message));
        }
        if storage.durability() == Durability::Synced {
            self.file.sync_data().await?;
        }
        let (path, repository) = (self.path.clone(), repository.clone());
        storage
            .run(move |storage| {
                storage.adopt_blob(&path, &expected)?;
                storage.link_blob(&repository, &expected)
            })
            .await?;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Gone already where it became a blob; else nobody can name it any more.
        let _ = std::fs::remove_file(Path::new(&self.path));
    }
}

/// `POST`: a mount, a whole blob, or the start of an upload.
pub(super) async fn start(
    registry: &Registry,
    repository: Repository,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    if let Some(mount) = route::query(head, "mount") {
        let digest = route::digest(&mount)?;
        let from = route::query(head, "from").map(|from| from.parse::<Repository>());
        if mount_blob(registry, &repository, digest, from.and_then(Result::ok)).await? {
            return Ok(created(&repository, &digest));
        }
    }
    let mut upload = Upload::create(&registry.storage).await?;
    if let Some(digest) = route::query(head, "digest") {
        let digest = route::digest(&digest)?;
        upload.append(body).await?;
        upload.commit(&registry.storage, &repository, digest).await?;
        return Ok(created(&repository, &digest));
    }
    let id = registry.uploads.insert(repository.clone(), upload);
    Ok(accepted(StatusCode::ACCEPTED, &repository, &id, 0))
}

async fn mount_blob(
    registry: &Registry,
    repository: &Repository,
    digest: Digest,
    from: Option<Repository>,
) -> Result<bool, Refusal> {
    let repository = repository.clone();
    let mounted = registry
        .storage
        .run(move |storage| {
            // Without `from` the registry may look everywhere (distribution spec, "Mounting a blob").
            let is_there = match &from {
                Some(from) => storage.has_blob(from, &digest),
                None => storage.has_content(&digest),
            };
            if is_there {
                storage.link_blob(&repository, &digest)?;
            }
            Ok(is_there)
        })
        .await?;
    Ok(mounted)
}

/// `GET`: how far an upload has come.
pub(super) async fn progress(
    registry: &Registry,
    repository: &Repository,
    id: &str,
) -> Result<Response, Refusal> {
    let upload = registry.uploads.find(repository, id)?;
    let size = upload.lock().await.size;
    Ok(accepted(StatusCode::NO_CONTENT, repository, id, size))
}

/// `PATCH`: the next bytes.
pub(super) async fn append(
    registry: &Registry,
    repository: &Repository,
    id: &str,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let upload = registry.uploads.find(repository, id)?;
    let mut upload = upload.try_lock().map_err(|_| Refusal::upload_busy(id))?;
    if let Some(first) = first_byte(head)
        && first != upload.size
    {
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        return Ok(accepted(status, repository, id, upload.size));
    }
    upload.append(body).await?;
    Ok(accepted(StatusCode::ACCEPTED, repository, id, upload.size))
}

/// Reads the first number of `Content-Range: <first>-<last>`, which has no unit here (distribution spec).
fn first_byte(head: &Parts) -> Option<u64> {
    let range = head.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim_start_matches("bytes ").split_once('-')?.0.parse().ok()
}

/// `PUT`: the last bytes, if any, and the digest of all.
pub(super) async fn finish(
    registry: &Registry,
    repository: &Repository,
    id: &str,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let digest = route::query(head, "digest")
        .ok_or_else(|| Refusal::digest_invalid("the query has no `digest`"))?;
    let digest = route::digest(&digest)?;
    let upload = registry.uploads.find(repository, id)?;
    let mut upload = upload.try_lock().map_err(|_| Refusal::upload_busy(id))?;
    upload.append(body).await?;
    let committed = upload.commit(&registry.storage, repository, digest).await;
    registry.uploads.remove(id);
    committed.map(|()| created(repository, &digest))
}

/// `DELETE`: forget an upload.
pub(super) fn cancel(
    registry: &Registry,
    repository: &Repository,
    id: &str,
) -> Result<Response, Refusal> {
    registry.uploads.find(repository, id)?;
    registry.uploads.remove(id);
    Ok(empty(StatusCode::NO_CONTENT))
}

fn created(repository: &Repository, digest: &Digest) -> Response {
    let mut response = empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, text(format!("/v2/{repository}/blobs/{digest}")));
    headers.insert("docker-content-digest", text(digest.to_string()));
    response
}

fn accepted(status: StatusCode, repository: &Repository, id: &str, size: u64) -> Response {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, text(format!("/v2/{repository}/blobs/uploads/{id}")));
    headers.insert(header::RANGE, text(format!("0-{}", size.saturating_sub(1))));
    headers.insert("docker-upload-uuid", text(id.to_owned()));
    response
}
