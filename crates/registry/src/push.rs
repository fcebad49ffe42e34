//! From an [`Image`] to a name in a registry: blobs, config, manifest, and with it the tag, last.

use std::{io, sync::Arc};

use futures::{StreamExt, TryStreamExt, stream};
use notes_oci::{Digest, Image, Layer, Origin, Pinned, Reference};
use reqwest::{StatusCode, header::CONTENT_TYPE};

use crate::{
    authorization::Scope,
    client::Client,
    progress::Blob,
    pull::{digest_header, existing},
    request::RequestError,
    upload::{Content, Upload, UploadError},
};

/// What happens to a tag that names another image already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retag {
    /// The push fails: a tag that moved cannot be traced to what ran.
    #[default]
    Refuse,
    /// The tag moves.
    Allow,
}

/// The error returned when an image cannot be written to a registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The tag names another image.
    #[error("`{reference}` exists with digest `{existing}`, and the image to push has `{pushed}`")]
    TagExists {
        /// The name.
        reference: Reference,
        /// What it names now.
        existing: Digest,
        /// What it was to name.
        pushed: Digest,
    },
    /// The reference has a digest, and it is not that of the image.
    #[error("`{reference}` names another digest than the image's, `{pushed}`")]
    OtherDigest {
        /// The name.
        reference: Reference,
        /// The image's digest.
        pushed: Digest,
    },
    /// A layer cannot be read.
    #[error("failed to read layer `{digest}` of `{reference}`")]
    Layer {
        /// The name.
        reference: Reference,
        /// The layer.
        digest: Digest,
        /// Why not.
        source: io::Error,
    },
    /// A request failed.
    #[error("failed to push `{reference}`")]
    Request {
        /// The name.
        reference: Reference,
        /// Why.
        source: RequestError,
    },
    /// The registry stored something else.
    #[error("the registry stored `{reference}` as `{stored}` instead of `{pushed}`")]
    Altered {
        /// The name.
        reference: Reference,
        /// The digest sent.
        pushed: Digest,
        /// The digest the registry answered with.
        stored: Digest,
    },
}

impl PushError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TagExists { .. } => Some(
                "the same commit gave another image before: something outside the commit has changed; `--overwrite` \
                 moves the tag"
                    .into(),
            ),
            Self::Request { source, .. } => source.hint(),
            _ => None,
        }
    }

    /// Returns the failed request, where one failed.
    pub fn request(&self) -> Option<&RequestError> {
        match self {
            Self::Request { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Tells whether credentials are missing, wrong or not enough.
    pub fn is_denied(&self) -> bool {
        self.request().is_some_and(RequestError::is_denied)
    }

    /// Tells whether it may succeed later.
    pub fn is_transient(&self) -> bool {
        self.request().is_some_and(RequestError::is_transient)
    }
}

/// One push.
pub(crate) struct Push<'a> {
    client: &'a Arc<Client>,
    image: &'a Image,
    reference: &'a Reference,
    place: Origin,
    scope: Scope,
}

impl<'a> Push<'a> {
    pub(crate) fn new(client: &'a Arc<Client>, image: &'a Image, reference: &'a Reference) -> Self {
        let place = Origin {
            registry: reference.registry.clone(),
            repository: reference.repository.clone(),
        };
        let mut sources: Vec<_> = image
            .layers()
            .iter()
            .filter_map(Layer::origin)
            .filter(|it| it.registry == place.registry && it.repository != place.repository)
            .map(|origin| origin.repository)
            .collect();
        sources.sort();
        sources.dedup();
        let scope = Scope::push(&place.repository, sources);
        Self { client, image, reference, place, scope }
    }

    /// Brings the image there, or finds that it is there.
    pub(crate) async fn run(&self, retag: Retag, parallel: usize) -> Result<Pinned, PushError> {
        let pushed = self.image.digest();
        if self.reference.digest.is_some_and(|digest| digest != pushed) {
            return Err(PushError::OtherDigest { reference: self.reference.clone(), pushed });
        }
        match self.existing().await? {
            Some(existing) if existing == pushed => return Ok(self.reference.pin(pushed)),
            Some(existing) if retag == Retag::Refuse => return Err(self.tag_exists(existing)),
            _ => {}
        }
        let layers: Vec<_> = self.layers().into_iter().map(|layer| self.layer(layer)).collect();
        stream::iter(layers).buffer_unordered(parallel.max(1)).try_collect::<()>().await?;
        self.config().await?;
        self.manifest().await?;
        Ok(self.reference.pin(pushed))
    }

    /// Returns what the registry has under the name. A tag is asked for even where the reference has a digest as well.
    async fn existing(&self) -> Result<Option<Digest>, PushError> {
        existing(self.client, &self.place, &self.scope, &self.name())
            .await
            .map_err(|source| self.failed(source))
    }

    fn name(&self) -> String {
        match &self.reference.tag {
            Some(tag) => tag.to_string(),
            None => self.image.digest().to_string(),
        }
    }

    /// Returns each layer that travels, once. Those with `urls` stay where they are (image-spec, "Non-distributable
    /// layers").
    fn layers(&self) -> Vec<&Layer> {
        let mut layers: Vec<&Layer> = Vec::new();
        for layer in self.image.layers() {
            let is_foreign = layer.descriptor().other.contains_key("urls");
            if !is_foreign && !layers.iter().any(|it| it.digest() == layer.digest()) {
                layers.push(layer);
            }
        }
        layers
    }

    async fn layer(&self, layer: &Layer) -> Result<(), PushError> {
        let blob = Blob { digest: layer.digest(), size: layer.size() };
        self.blob(blob, Content::Layer(layer)).await
    }

    async fn config(&self) -> Result<(), PushError> {
        let bytes = self.image.config_bytes().clone();
        let blob = Blob { digest: self.image.manifest().config.digest, size: bytes.len() as u64 };
        self.blob(blob, Content::Bytes(bytes)).await
    }

    async fn blob(&self, blob: Blob, content: Content<'_>) -> Result<(), PushError> {
        let (client, place, scope) = (self.client, &self.place, &self.scope);
        match (Upload { client, place, scope, blob, content }).run().await {
            Ok(_) => Ok(()),
            Err(UploadError::Request(source)) => Err(self.failed(source)),
            Err(UploadError::Read(source)) => Err(PushError::Layer {
                reference: self.reference.clone(),
                digest: blob.digest,
                source,
            }),
        }
    }

    /// Sends the manifest, byte for byte, and with it the tag.
    async fn manifest(&self) -> Result<(), PushError> {
        let address = self.client.address(&self.place, &format!("manifests/{}", self.name()));
        let media_type = self.image.media_type();
        let sent = self
            .client
            .send(&self.place.registry, &self.scope, &[], |http| {
                http.put(address.clone())
                    .header(CONTENT_TYPE, media_type.as_str())
                    .body(self.image.manifest_bytes().clone())
            })
            .await;
        let pushed = self.image.digest();
        match sent {
            Ok(response) => match digest_header(&response) {
                Some(stored) if stored != pushed => {
                    Err(PushError::Altered { reference: self.reference.clone(), pushed, stored })
                }
                _ => Ok(()),
            },
            Err(error) => self.explain(error).await,
        }
    }

    /// A refused manifest may mean that the registry keeps tags as they are, and that somebody else was faster. Each
    /// registry says that differently, so the tag itself is asked.
    async fn explain(&self, error: RequestError) -> Result<(), PushError> {
        let may_be_immutable = error.status().is_some_and(|status| {
            [
                StatusCode::BAD_REQUEST,
                StatusCode::FORBIDDEN,
                StatusCode::CONFLICT,
                StatusCode::PRECONDITION_FAILED,
            ]
            .iter()
            .any(|it| it.as_u16() == status)
        });
        if may_be_immutable && self.reference.tag.is_some() {
            match self.existing().await {
                Ok(Some(existing)) if existing == self.image.digest() => return Ok(()),
                Ok(Some(existing)) => return Err(self.tag_exists(existing)),
                _ => {}
            }
        }
        Err(self.failed(error))
    }

    fn tag_exists(&self, existing: Digest) -> PushError {
        let (reference, pushed) = (self.reference.clone(), self.image.digest());
        PushError::TagExists { reference, existing, pushed }
    }

    fn failed(&self, source: RequestError) -> PushError {
        PushError::Request { reference: self.reference.clone(), source }
    }
}
