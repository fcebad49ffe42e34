//! A layer: what an image adds to the file system, somewhere, until it is opened.

use std::{fmt, io, sync::Arc};

use futures::future::BoxFuture;

use crate::{
    blob::{Blob, ByteStream, Origin},
    digest::{DiffId, Digest},
    manifest::Descriptor,
    media::MediaType,
};

/// One layer of an image: its descriptor, its diff id and a way to its bytes.
///
/// Cloning is cheap; nothing is read before [`Layer::open`].
#[derive(Clone)]
pub struct Layer {
    descriptor: Descriptor,
    diff_id: DiffId,
    blob: Arc<dyn Blob>,
}

impl Layer {
    /// Returns a layer whose compressed bytes `blob` has.
    pub fn new(descriptor: Descriptor, diff_id: DiffId, blob: impl Blob) -> Self {
        Self { descriptor, diff_id, blob: Arc::new(blob) }
    }

    /// Returns the descriptor of the bytes as they travel.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Returns the digest of the bytes as they travel.
    pub fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// Returns the digest of the uncompressed tar.
    pub fn diff_id(&self) -> DiffId {
        self.diff_id
    }

    /// Returns the number of bytes as they travel.
    pub fn size(&self) -> u64 {
        self.descriptor.size
    }

    /// Returns the media type.
    pub fn media_type(&self) -> &MediaType {
        &self.descriptor.media_type
    }

    /// Returns the repository that has the bytes already, where that is known.
    pub fn origin(&self) -> Option<Origin> {
        self.blob.origin()
    }

    /// Returns the same layer, of which it is known that `origin` has the bytes too.
    pub fn held_by(&self, origin: Origin) -> Self {
        let blob = Held { blob: Arc::clone(&self.blob), origin };
        Self { blob: Arc::new(blob), ..self.clone() }
    }

    /// Opens the bytes as they travel (compressed), from the first one.
    ///
    /// # Errors
    ///
    /// Whatever the place it lies in says; an end with [`io::ErrorKind::InvalidData`] means that the bytes are not those
    /// of the descriptor.
    pub async fn open(&self) -> io::Result<ByteStream> {
        self.blob.open().await
    }

    /// Returns the same layer with its media type in OCI's words.
    pub(crate) fn to_oci(&self) -> Self {
        let mut layer = self.clone();
        layer.descriptor.media_type = layer.descriptor.media_type.to_oci();
        layer
    }
}

/// Bytes that a repository has as well.
struct Held {
    blob: Arc<dyn Blob>,
    origin: Origin,
}

impl Blob for Held {
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>> {
        self.blob.open()
    }

    fn origin(&self) -> Option<Origin> {
        Some(self.origin.clone())
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("descriptor", &self.descriptor)
            .field("diff_id", &self.diff_id)
            .finish_non_exhaustive()
    }
}

/// Two layers are equal if their bytes are, wherever they lie.
impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.descriptor == other.descriptor && self.diff_id == other.diff_id
    }
}
