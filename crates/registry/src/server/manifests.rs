//! Reading, writing and deleting manifests.

use std::io;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::BytesMut;
use futures::StreamExt;
use notes_oci::{Descriptor, Digest, Index, Manifest, MediaType, Repository};
use serde_json::Value;

use super::{
    blobs::text,
    refusal::Refusal,
    route::{Registry, Which, empty},
    storage::{Kind, Storage},
};

/// Registries accept at least 4 MiB (distribution spec); twice as much leaves room for large indexes.
const LIMIT: usize = 8 << 20;

pub(super) async fn read(
    registry: &Registry,
    repository: &Repository,
    which: &Which,
) -> Result<Response, Refusal> {
    let digest = resolve(registry, repository, which).await?;
    let name = repository.clone();
    let (media_type, bytes) = registry
        .storage
        .run(move |storage| storage.manifest(&name, &digest))
        .await?
        .ok_or_else(|| Refusal::manifest_unknown(which))?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let media_type = HeaderValue::try_from(media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    headers.insert("docker-content-digest", text(digest.to_string()));
    *response.body_mut() = Body::from(bytes);
    Ok(response)
}

async fn resolve(
    registry: &Registry,
    repository: &Repository,
    which: &Which,
) -> Result<Digest, Refusal> {
    match which {
        Which::Digest(digest) => Ok(*digest),
        Which::Tag(tag) => {
            let (name, wanted) = (repository.clone(), tag.clone());
            let digest = registry.storage.run(move |storage| storage.tag(&name, &wanted)).await?;
            digest.ok_or_else(|| Refusal::manifest_unknown(tag))
        }
    }
}

/// What the server must know of a manifest of any kind.
#[derive(Debug)]
struct Summary {
    media_type: MediaType,
    blobs: Vec<Descriptor>,
    manifests: Vec<Descriptor>,
    subject: Option<Digest>,
    /// Its descriptor in a list of referrers.
    descriptor: Value,
}

impl Summary {
    fn read(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, Refusal> {
        let invalid = |error: serde_json::Error| Refusal::manifest_invalid(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(invalid)?;
        let stated = value["mediaType"].as_str();
        let media_type = content_type.or(stated).ok_or_else(|| {
            Refusal::manifest_invalid("neither Content-Type nor `mediaType` says what it is")
        })?;
        if stated.is_some_and(|stated| stated != media_type) {
            let message = format!("`mediaType` differs from the Content-Type `{media_type}`");
            return Err(Refusal::manifest_invalid(message));
        }
        let media_type = MediaType::from(media_type);
        let (blobs, manifests) = if media_type.is_index() {
            let index: Index = serde_json::from_slice(bytes).map_err(invalid)?;
            // BuildKit exports a cache as an index of layers.
            let is_manifest =
                |part: &Descriptor| part.media_type.is_index() || part.media_type.is_manifest();
            let (manifests, blobs) = index.manifests.into_iter().partition(is_manifest);
            (blobs, manifests)
        } else if media_type.is_manifest() {
            let manifest: Manifest = serde_json::from_slice(bytes).map_err(invalid)?;
            (manifest.layers.into_iter().chain([manifest.config]).collect(), Vec::new())
        } else {
            return Err(Refusal::manifest_invalid(format!("`{media_type}` is not a manifest")));
        };
        let subject = match &value["subject"]["digest"] {
            Value::String(digest) => Some(super::route::digest(digest)?),
            _ => None,
        };
        let descriptor = referrer(&value, &media_type, bytes);
        Ok(Self { media_type, blobs, manifests, subject, descriptor })
    }

    /// Refuses a manifest of which a part is missing, so that no name ever leads to half an image.
    ///
    /// Layers with `urls` lie elsewhere (image-spec, "Non-distributable layers").
    fn check_parts(&self, storage: &Storage, repository: &Repository) -> Result<(), Refusal> {
        for blob in self.blobs.iter().filter(|blob| !blob.other.contains_key("urls")) {
            if !storage.has_blob(repository, &blob.digest) {
                return Err(Refusal::manifest_blob_unknown(blob.digest));
            }
        }
        for manifest in &self.manifests {
            if storage.manifest(repository, &manifest.digest)?.is_none() {
                return Err(Refusal::manifest_blob_unknown(manifest.digest));
            }
        }
        Ok(())
    }
}

/// Returns the descriptor under which a manifest is listed (distribution spec, "Listing Referrers").
fn referrer(value: &Value, media_type: &MediaType, bytes: &[u8]) -> Value {
    let stated =
        |value: &'_ Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let artifact_type =
        stated(&value["artifactType"]).or_else(|| stated(&value["config"]["mediaType"]));
    let mut descriptor = serde_json::json!({
        "mediaType": media_type,
        "digest": Digest::of(bytes),
        "size": bytes.len(),
    });
    if let Some(artifact_type) = artifact_type {
        descriptor["artifactType"] = artifact_type.into();
    }
    if value["annotations"].is_object() {
        descriptor["annotations"] = value["annotations"].clone();
    }
    descriptor
}

pub(super) async fn write(
    registry: &Registry,
    repository: &Repository,
    which: Which,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or(value).trim().to_owned());
    let bytes = read_body(&head.headers, body).await?;
    let digest = Digest::of(&bytes);
    if let Which::Digest(expected) = which
        && expected != digest
    {
        let message = format!("the manifest has digest `{digest}`, not `{expected}`");
        return Err(Refusal::digest_invalid(message));
    }
    let summary = Summary::read(content_type.as_deref(), &bytes)?;
    let subject = summary.subject;
    let name = repository.clone();
    registry
        .storage
        .run(move |storage| Ok(store(storage, &name, &which, &summary, &bytes)))
        .await??;
    let mut response = empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, text(format!("/v2/{repository}/manifests/{digest}")));
    headers.insert("docker-content-digest", text(digest.to_string()));
    if let Some(subject) = subject {
        headers.insert("oci-subject", text(subject.to_string()));
    }
    Ok(response)
}

/// Writes content, then the repository's entry, then the list of referrers, and the tag last.
fn store(
    storage: &Storage,
    repository: &Repository,
    which: &Which,
    summary: &Summary,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let _writing = storage.writing()?;
    summary.check_parts(storage, repository)?;
    let digest = Digest::of(bytes);
    storage.write_blob(&digest, bytes)?;
    storage.link_manifest(repository, &digest, summary.media_type.as_str())?;
    if let Some(subject) = summary.subject {
        let descriptor = summary.descriptor.to_string();
        storage.add_referrer(repository, &subject, &digest, descriptor.as_bytes())?;
    }
    if let Which::Tag(tag) = which {
        storage.set_tag(repository, tag, &digest)?;
    }
    Ok(())
}

/// Returns the blobs that a manifest consists of.
pub(super) fn blobs(media_type: &str, bytes: &[u8]) -> Option<Vec<Digest>> {
    let summary = Summary::read(Some(media_type), bytes).ok()?;
    Some(summary.blobs.iter().map(|blob| blob.digest).collect())
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LIMIT) {
        return Err(Refusal::manifest_too_large(LIMIT));
    }
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::manifest_invalid("the body ended early"))?;
        if bytes.len() + chunk.len() > LIMIT {
            return Err(Refusal::manifest_too_large(LIMIT));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

pub(super) async fn delete(
    registry: &Registry,
    repository: &Repository,
    which: &Which,
) -> Result<Response, Refusal> {
    let name = repository.clone();
    let removed = match which {
        Which::Tag(tag) => {
            let tag = tag.to_string();
            registry.storage.run(move |storage| storage.unlink(&name, Kind::Tags, &tag)).await?
        }
        Which::Digest(digest) => {
            let digest = *digest;
            registry.storage.run(move |storage| unlink(storage, &name, &digest)).await?
        }
    };
    if removed { Ok(empty(StatusCode::ACCEPTED)) } else { Err(Refusal::manifest_unknown(which)) }
}

fn unlink(storage: &Storage, repository: &Repository, digest: &Digest) -> io::Result<bool> {
    let Some((media_type, bytes)) = storage.manifest(repository, digest)? else {
        return Ok(false);
    };
    // What was accepted can be read; if not, nothing was listed for it either.
    let subject = Summary::read(Some(&media_type), &bytes).ok().and_then(|it| it.subject);
    storage.unlink_manifest(repository, digest, subject.as_ref())
}
