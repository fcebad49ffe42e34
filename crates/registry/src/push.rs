//! From an [`Image`] or an [`ImageIndex`] to a name in a registry: blobs, config, manifest, and with it the tag, last.

mod error;
mod subject;

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use notes_oci::{Digest, Image, ImageIndex, Layer, MediaType, Origin, Pinned, Reference};
use reqwest::{Response, StatusCode, header::CONTENT_TYPE};
use tokio::sync::Semaphore;

use crate::{
    authorization::Scope,
    client::{Client, described},
    progress::Blob,
    pull::{digest_header, existing},
    request::RequestError,
    upload::{Content, Upload, UploadError},
};

pub use error::PushError;

/// How many blobs are asked for while one is sent: most are there, and an answer costs a registry little.
const ASKED_FOR_EACH_SENT: usize = 4;

/// What happens to a tag that names another image already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retag {
    /// The push fails: a tag that moved cannot be traced to what ran.
    #[default]
    Refuse,
    /// The tag moves.
    Allow,
}

/// A manifest or an index on its way: what is sent byte for byte, and under which digest.
struct Document {
    media_type: MediaType,
    digest: Digest,
    bytes: Bytes,
}

impl Document {
    fn new(media_type: MediaType, bytes: Bytes) -> Self {
        Self { digest: Digest::of(&bytes), media_type, bytes }
    }

    fn of_image(image: &Image) -> Self {
        Self {
            media_type: image.media_type(),
            digest: image.digest(),
            bytes: image.manifest_bytes().clone(),
        }
    }

    fn of_index(index: &ImageIndex) -> Self {
        let bytes = index.bytes().clone();
        Self { media_type: index.media_type(), digest: index.digest(), bytes }
    }
}

/// One push.
pub(crate) struct Push<'a> {
    client: &'a Arc<Client>,
    reference: &'a Reference,
    place: Origin,
    scope: Scope,
    retag: Retag,
    parallel: usize,
    /// Blobs that are sent at once take turns; asking for them does not.
    turns: Semaphore,
}

impl<'a> Push<'a> {
    /// Prepares a push of `images` under `reference`; their layers may lie in repositories that a mount takes them from.
    pub(crate) fn new(client: &'a Arc<Client>, images: &[Image], reference: &'a Reference) -> Self {
        let place = Origin {
            registry: reference.registry.clone(),
            repository: reference.repository.clone(),
        };
        let mut sources: Vec<_> = images
            .iter()
            .flat_map(Image::layers)
            .filter_map(Layer::origin)
            .filter(|it| it.registry == place.registry && it.repository != place.repository)
            .map(|origin| origin.repository)
            .collect();
        sources.sort();
        sources.dedup();
        let scope = Scope::push(&place.repository, sources);
        Self {
            client,
            reference,
            place,
            scope,
            retag: Retag::default(),
            parallel: 1,
            turns: Semaphore::new(1),
        }
    }

    /// Says what happens to a tag that names something else, and how many blobs are sent at once.
    pub(crate) fn with(self, retag: Retag, parallel: usize) -> Self {
        let parallel = parallel.max(1);
        Self { retag, parallel, turns: Semaphore::new(parallel), ..self }
    }

    /// Brings the image there, or finds that it is there.
    pub(crate) async fn image(&self, image: &Image) -> Result<Pinned, PushError> {
        let document = Document::of_image(image);
        if !self.is_there(&document).await? {
            self.with_blobs(image, || self.publish(&document)).await?;
        }
        Ok(self.reference.pin(document.digest))
    }

    /// Brings the index there, its images before it, or finds that it is there.
    pub(crate) async fn index(&self, index: &ImageIndex) -> Result<Pinned, PushError> {
        let document = Document::of_index(index);
        if !self.is_there(&document).await? {
            for image in index.images() {
                self.member(image).await?;
            }
            self.publish(&document).await?;
        }
        Ok(self.reference.pin(document.digest))
    }

    /// Brings an image of an index there, under its digest alone.
    async fn member(&self, image: &Image) -> Result<(), PushError> {
        let document = Document::of_image(image);
        let name = document.digest.to_string();
        if self.existing(&name).await? == Some(document.digest) {
            return Ok(());
        }
        self.with_blobs(image, || async {
            self.put(&document, &name).await?.map_err(|source| self.failed(source))
        })
        .await
    }

    /// Sends the blobs and then what names them. Some registries do not see a blob at once that they have just taken, or
    /// lose one before it is named: they are asked for each blob again.
    async fn with_blobs<F>(&self, image: &Image, name: impl Fn() -> F) -> Result<(), PushError>
    where
        F: Future<Output = Result<(), PushError>>,
    {
        let mut attempts = self.client.retry.begin(self.client.reporter.as_ref());
        loop {
            self.blobs(image).await?;
            match name().await {
                Ok(()) => return Ok(()),
                Err(error) => attempts.wait(error).await?,
            }
        }
    }

    /// Tells whether the name has the document already, and refuses to move a tag that names something else.
    async fn is_there(&self, document: &Document) -> Result<bool, PushError> {
        let pushed = document.digest;
        if self.reference.digest.is_some_and(|digest| digest != pushed) {
            return Err(PushError::OtherDigest { reference: self.reference.clone(), pushed });
        }
        match self.existing(&self.name(document)).await? {
            Some(existing) if existing == pushed => Ok(true),
            Some(existing) if self.retag == Retag::Refuse => {
                Err(self.tag_exists(existing, document))
            }
            _ => Ok(false),
        }
    }

    /// Returns what the registry has under `name`.
    async fn existing(&self, name: &str) -> Result<Option<Digest>, PushError> {
        existing(self.client, &self.place, &self.scope, name)
            .await
            .map_err(|source| self.failed(source))
    }

    /// Returns what the document is called: its tag, even where the reference has a digest as well.
    fn name(&self, document: &Document) -> String {
        let tag = self.reference.tag.as_ref();
        tag.map_or_else(|| document.digest.to_string(), ToString::to_string)
    }

    async fn blobs(&self, image: &Image) -> Result<(), PushError> {
        let layers: Vec<_> = layers(image).into_iter().map(|layer| self.layer(layer)).collect();
        let asked = self.parallel * ASKED_FOR_EACH_SENT;
        stream::iter(layers).buffer_unordered(asked).try_collect::<()>().await?;
        self.config(image).await
    }

    async fn layer(&self, layer: &Layer) -> Result<(), PushError> {
        let blob = Blob { digest: layer.digest(), size: layer.size() };
        self.blob(blob, Content::Layer(layer)).await
    }

    async fn config(&self, image: &Image) -> Result<(), PushError> {
        let bytes = image.config_bytes().clone();
        let blob = Blob { digest: image.manifest().config.digest, size: bytes.len() as u64 };
        self.blob(blob, Content::Bytes(bytes)).await
    }

    async fn blob(&self, blob: Blob, content: Content<'_>) -> Result<(), PushError> {
        let Self { client, place, scope, turns, .. } = self;
        match (Upload { client, place, scope, blob, content, turns }).run().await {
            Ok(_) => Ok(()),
            Err(UploadError::Request(source) | UploadError::Spoiled(source)) => {
                Err(self.failed(source))
            }
            Err(UploadError::Read(source)) => Err(PushError::Layer {
                reference: self.reference.clone(),
                digest: blob.digest,
                source,
            }),
        }
    }

    /// Sends the document, and with it the tag.
    async fn publish(&self, document: &Document) -> Result<(), PushError> {
        match self.put(document, &self.name(document)).await? {
            Ok(()) => Ok(()),
            Err(error) => self.explain(error, document).await,
        }
    }

    /// Sends the document, and lists it where it refers to another. What the registry answers is inside, since what it
    /// means depends on the name.
    async fn put(
        &self,
        document: &Document,
        name: &str,
    ) -> Result<Result<(), RequestError>, PushError> {
        let response = match self.send(document, name).await {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let pushed = document.digest;
        match digest_header(&response) {
            Some(stored) if stored != pushed => {
                return Err(PushError::Altered {
                    reference: self.reference.clone(),
                    pushed,
                    stored,
                });
            }
            Some(_) => {}
            None => self.look_again(document, name, &response).await?,
        }
        self.list(document, &response).await.map(Ok)
    }

    /// Asks whether the document is there, unless the answer is the one that says so (distribution-spec, "Pushing Manifests"): what lies
    /// between may answer with a page of its own.
    async fn look_again(
        &self,
        document: &Document,
        name: &str,
        response: &Response,
    ) -> Result<(), PushError> {
        let is_there = response.status() == StatusCode::CREATED
            || self.existing(name).await? == Some(document.digest);
        if is_there {
            return Ok(());
        }
        let problem = format!("the answer is {}, and nothing is there", response.status());
        Err(self.failed(RequestError::answer(described(response), problem)))
    }

    /// Sends the document byte for byte.
    async fn send(&self, document: &Document, name: &str) -> Result<Response, RequestError> {
        let address = self.client.address(&self.place, &format!("manifests/{name}"));
        self.client
            .send(&self.place.registry, &self.scope, &[], |http| {
                http.put(address.clone())
                    .header(CONTENT_TYPE, document.media_type.as_str())
                    .body(document.bytes.clone())
            })
            .await
    }

    /// A refused manifest may mean that the registry keeps tags as they are, and that somebody else was faster. Each
    /// registry says that differently, so the tag itself is asked.
    async fn explain(&self, error: RequestError, document: &Document) -> Result<(), PushError> {
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
            match self.existing(&self.name(document)).await {
                Ok(Some(existing)) if existing == document.digest => return Ok(()),
                Ok(Some(existing)) => return Err(self.tag_exists(existing, document)),
                _ => {}
            }
        }
        Err(self.failed(error))
    }

    fn tag_exists(&self, existing: Digest, document: &Document) -> PushError {
        let (reference, pushed) = (self.reference.clone(), document.digest);
        PushError::TagExists { reference, existing, pushed }
    }

    fn failed(&self, source: RequestError) -> PushError {
        PushError::Request { reference: self.reference.clone(), source }
    }
}

/// Returns each layer that travels, once. Those with `urls` stay where they are (image-spec, "Non-distributable layers").
fn layers(image: &Image) -> Vec<&Layer> {
    let mut layers: Vec<&Layer> = Vec::new();
    for layer in image.layers() {
        let is_foreign = layer.descriptor().other.contains_key("urls");
        if !is_foreign && !layers.iter().any(|it| it.digest() == layer.digest()) {
            layers.push(layer);
        }
    }
    layers
}
