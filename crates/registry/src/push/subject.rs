//! Manifests that refer to another, and the index that lists them where a registry does not.

use bytes::Bytes;
use notes_oci::{Descriptor, Digest, Index, Manifest, MediaType};
use reqwest::{
    Response,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde_json::Value;

use super::{Document, Push, PushError};
use crate::{
    progress::Blob,
    pull::{ACCEPTED, DOCUMENT_LIMIT},
    referrers::{self, Artifact},
    upload::Content,
};

/// The config of what is no image (image-spec, "Guidance for an Empty Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const EMPTY: &[u8] = b"{}";

/// A registry has no lock for the list. Who writes reads it again, and is written over no more than this often.
const TRIES: usize = 5;

/// What a manifest refers to, and how it is listed there.
pub(super) struct Referrer {
    pub(super) subject: Digest,
    listing: Descriptor,
}

impl Referrer {
    /// Returns what the manifest or index `bytes` says of it; `None` where it refers to nothing.
    pub(super) fn of(media_type: &MediaType, bytes: &Bytes) -> Option<Self> {
        let document: Value = serde_json::from_slice(bytes).ok()?;
        let subject = document["subject"]["digest"].as_str()?.parse().ok()?;
        let mut listing = Descriptor::of(media_type.clone(), bytes);
        let artifact_type = [&document["artifactType"], &document["config"]["mediaType"]];
        if let Some(artifact_type) = artifact_type.into_iter().find(|it| it.is_string()) {
            listing.other.insert("artifactType".into(), artifact_type.clone());
        }
        listing.annotations =
            serde_json::from_value(document["annotations"].clone()).unwrap_or_default();
        Some(Self { subject, listing })
    }
}

impl Push<'_> {
    /// Brings the artifact there, beside what the reference names by digest.
    pub(crate) async fn artifact(
        &self,
        artifact: &Artifact,
    ) -> Result<notes_oci::Pinned, PushError> {
        let subject = self.subject().await?;
        let config = Bytes::from_static(EMPTY);
        for content in [&config, &artifact.content] {
            let blob = Blob { digest: Digest::of(content), size: content.len() as u64 };
            self.blob(blob, Content::Bytes(content.clone())).await?;
        }
        let content_type = MediaType::from(artifact.artifact_type.as_str());
        let mut manifest = Manifest::new(
            Descriptor::of(MediaType::from(EMPTY_TYPE), &config),
            vec![Descriptor::of(content_type, &artifact.content)],
        );
        manifest.annotations.clone_from(&artifact.annotations);
        manifest.other.insert("artifactType".into(), artifact.artifact_type.as_str().into());
        let subject = serde_json::to_value(subject).expect("a descriptor is JSON");
        manifest.other.insert("subject".into(), subject);
        let bytes = serde_json::to_vec(&manifest).expect("a manifest is JSON").into();
        let document = Document::new(MediaType::Manifest, bytes);
        let name = document.digest.to_string();
        self.put(&document, &name).await?.map_err(|source| self.failed(source))?;
        Ok(self.reference.pin(document.digest))
    }

    /// Returns the descriptor of what the reference names.
    async fn subject(&self) -> Result<Descriptor, PushError> {
        let address =
            self.client.address(&self.place, &format!("manifests/{}", self.reference.identifier()));
        let build = |http: &reqwest::Client| http.get(address.clone()).header(ACCEPT, ACCEPTED);
        let fetched = self.client.fetch(&self.place.registry, &self.scope, DOCUMENT_LIMIT, build);
        let (response, bytes) = fetched.await.map_err(|source| self.failed(source))?;
        let stated = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Descriptor::of(MediaType::from(stated.unwrap_or(MediaType::Manifest.as_str())), &bytes))
    }

    /// Lists `document` under the tag of what it refers to, where `response` does not say that the registry lists it itself
    /// (distribution spec, "Pushing Manifests with Subject").
    pub(super) async fn list(
        &self,
        document: &Document,
        response: &Response,
    ) -> Result<(), PushError> {
        let Some(referrer) = Referrer::of(&document.media_type, &document.bytes) else {
            return Ok(());
        };
        if response.headers().contains_key("oci-subject") {
            return Ok(());
        }
        for _ in 0..TRIES {
            let mut listed =
                referrers::tagged(self.client, &self.place, &self.scope, &referrer.subject)
                    .await
                    .map_err(|source| self.failed(source))?;
            // Read again after it was written: another one may have written over it.
            if listed.iter().any(|it| it.digest == document.digest) {
                return Ok(());
            }
            listed.push(referrer.listing.clone());
            let index = serde_json::to_vec(&Index::new(listed)).expect("an index is JSON");
            let index = Document::new(MediaType::Index, index.into());
            let tag = referrers::tag(&referrer.subject);
            self.send(&index, &tag).await.map_err(|source| self.failed(source))?;
        }
        Err(PushError::NotListed { reference: self.reference.clone(), subject: referrer.subject })
    }
}
