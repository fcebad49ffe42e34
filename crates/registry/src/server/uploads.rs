//! Uploads: in one request, in chunks, or by mounting what another repository has.

mod range;
mod upload;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
    response::Response,
};
use notes_oci::{Digest, Repository};

use self::{range::Start, upload::Upload};
use super::{
    access::{Action, Need, Visitor},
    blobs::text,
    refusal::Refusal,
    route::{self, Registry, empty},
    storage::{Kind, Storage, random_name},
};
use crate::locked::locked;

/// A file that nobody has written to for so long is closed; who comes back later finds it on the disk.
const IDLE: Duration = Duration::from_mins(10);

/// The uploads whose files are open.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    repository: Repository,
    touched: Instant,
    upload: Shared,
}

/// An upload that one request at a time may write to.
type Shared = Arc<tokio::sync::Mutex<Upload>>;

impl Uploads {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        locked(&self.0)
    }

    /// Adds an upload, unless another request was first to open the same file.
    fn insert(&self, repository: Repository, id: &str, upload: Upload) -> Shared {
        let upload = Arc::new(tokio::sync::Mutex::new(upload));
        let mut entries = self.entries();
        // One that is being written to has a second handle.
        entries.retain(|_, entry| {
            entry.touched.elapsed() < IDLE || Arc::strong_count(&entry.upload) > 1
        });
        let entry = Entry { repository, touched: Instant::now(), upload };
        Arc::clone(&entries.entry(id.to_owned()).or_insert(entry).upload)
    }

    /// Finds an upload, also one that an earlier process began.
    async fn find(
        &self,
        storage: &Storage,
        repository: &Repository,
        id: &str,
    ) -> Result<Shared, Refusal> {
        if let Some(upload) = self.open(repository, id) {
            return Ok(upload);
        }
        let (name, wanted) = (repository.clone(), id.to_owned());
        let path = storage.run(move |storage| Ok(storage.upload(&name, &wanted))).await?;
        let path = path.ok_or_else(|| Refusal::upload_unknown(id))?;
        let upload = storage.run(move |_| Upload::resume(path)).await?;
        Ok(self.insert(repository.clone(), id, upload))
    }

    fn open(&self, repository: &Repository, id: &str) -> Option<Shared> {
        let mut entries = self.entries();
        let entry = entries.get_mut(id).filter(|entry| entry.repository == *repository)?;
        entry.touched = Instant::now();
        Some(Arc::clone(&entry.upload))
    }

    fn remove(&self, id: &str) {
        self.entries().remove(id);
    }
}

/// `POST`: a mount, a whole blob, or the start of an upload.
pub(super) async fn start(
    registry: &Registry,
    visitor: &Visitor<'_>,
    repository: Repository,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    // What cannot be mounted is uploaded (distribution spec, "Mounting a blob from another repository").
    if let Some(digest) = route::query(head, "mount").and_then(|digest| digest.parse().ok())
        && let Some(source) = Source::of(route::query(head, "from").as_deref(), visitor)
        && mount(registry, &repository, digest, source).await?
    {
        return Ok(created(&repository, &digest));
    }
    if let Some(digest) = route::query(head, "digest") {
        let digest = route::digest(&digest)?;
        let upload = registry.storage.run(|it| Upload::create(it.temporary_path())).await?;
        let _removed = upload.removed_at_end();
        upload.append(body).await?;
        commit(registry, &repository, &upload, digest).await?;
        return Ok(created(&repository, &digest));
    }
    let (id, name) = (random_name(), repository.clone());
    let file = id.clone();
    let path = registry.storage.run(move |storage| storage.begin_upload(&name, &file)).await?;
    let upload = registry.storage.run(move |_| Upload::create(path)).await?;
    registry.uploads.insert(repository.clone(), &id, upload);
    Ok(accepted(StatusCode::ACCEPTED, &repository, &id, 0))
}

/// Where a blob may be mounted from.
enum Source {
    Anywhere,
    Repository(Repository),
}

impl Source {
    /// What may not be read may not be mounted either.
    fn of(from: Option<&str>, visitor: &Visitor<'_>) -> Option<Self> {
        match from {
            Some(from) => {
                let repository = from.parse().ok()?;
                let may = visitor.may(&Need::new(Action::Pull, &repository));
                may.then_some(Self::Repository(repository))
            }
            // Without `from` the registry may look everywhere.
            None => visitor.may_pull_all().then_some(Self::Anywhere),
        }
    }
}

async fn mount(
    registry: &Registry,
    repository: &Repository,
    digest: Digest,
    source: Source,
) -> Result<bool, Refusal> {
    let repository = repository.clone();
    let mounted = registry
        .storage
        .run(move |storage| {
            let _writing = storage.writing()?;
            let is_there = match &source {
                Source::Repository(source) => storage.has_blob(source, &digest),
                Source::Anywhere => storage.has_content(&digest),
            };
            if is_there {
                storage.link_blob(&repository, &digest)?;
            }
            Ok(is_there)
        })
        .await?;
    Ok(mounted)
}

async fn commit(
    registry: &Registry,
    repository: &Repository,
    upload: &Upload,
    digest: Digest,
) -> Result<(), Refusal> {
    let (upload, repository) = (upload.clone(), repository.clone());
    let storage = &registry.storage;
    storage.run(move |storage| Ok(upload.commit(storage, &repository, digest))).await?
}

/// `GET`: how far an upload has come.
pub(super) async fn progress(
    registry: &Registry,
    repository: &Repository,
    id: &str,
) -> Result<Response, Refusal> {
    let upload = registry.uploads.find(&registry.storage, repository, id).await?;
    let size = upload.lock().await.size().await?;
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
    let upload = registry.uploads.find(&registry.storage, repository, id).await?;
    let upload = upload.try_lock().map_err(|_| Refusal::upload_busy(id))?;
    let size = upload.size().await?;
    if range::start(&head.headers, size)? == Start::Elsewhere {
        return Ok(accepted(StatusCode::RANGE_NOT_SATISFIABLE, repository, id, size));
    }
    upload.append(body).await?;
    Ok(accepted(StatusCode::ACCEPTED, repository, id, upload.size().await?))
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
    let upload = registry.uploads.find(&registry.storage, repository, id).await?;
    let upload = upload.try_lock().map_err(|_| Refusal::upload_busy(id))?;
    let size = upload.size().await?;
    if range::start(&head.headers, size)? == Start::Elsewhere {
        return Ok(accepted(StatusCode::RANGE_NOT_SATISFIABLE, repository, id, size));
    }
    upload.append(body).await?;
    let committed = commit(registry, repository, &upload, digest).await;
    drop(upload.removed_at_end());
    registry.uploads.remove(id);
    committed.map(|()| created(repository, &digest))
}

/// `DELETE`: forget an upload.
pub(super) async fn cancel(
    registry: &Registry,
    repository: &Repository,
    id: &str,
) -> Result<Response, Refusal> {
    registry.uploads.find(&registry.storage, repository, id).await?;
    registry.uploads.remove(id);
    let (name, file) = (repository.clone(), id.to_owned());
    registry.storage.run(move |storage| storage.unlink(&name, Kind::Uploads, &file)).await?;
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
