//! What somebody else keeps of steps: a registry, for one.

use std::{io, pin::Pin};

use notes_oci::{Blob, ByteStream, Descriptor, Digest, Layer};

use super::CacheKey;
use crate::pack::Packed;

/// Where results of steps are asked for that the store does not know. It is asked for a step at a time, and not before the
/// store was: a cache that must be read first may do that at the first question.
pub trait SharedCache: Send + Sync {
    /// Returns what the step made, if that is known.
    fn find<'a>(
        &'a self,
        key: &'a CacheKey,
    ) -> Pin<Box<dyn Future<Output = Option<Found>> + Send + 'a>>;

    /// Returns the contents of the cache mount of this identity, if they are known.
    fn find_mount<'a>(
        &'a self,
        mount: &'a CacheMount,
    ) -> Pin<Box<dyn Future<Output = Option<Layer>> + Send + 'a>>;
}

/// A directory of `RUN --mount=type=cache`, as a build meets it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheMount {
    /// What tells it from others: the name of its directory in the store follows from it.
    pub identity: String,
    /// Its id in the Dockerfile, for people.
    pub id: String,
}

impl CacheMount {
    /// Returns the identity in a form of fixed length.
    pub fn hex(&self) -> String {
        Digest::of(&self.identity).hex()
    }
}

/// Whether a command of a build wrote into a cache mount, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountUse {
    /// The steps that mount it were known.
    Idle,
    /// A step that mounts it ran.
    Mounted,
}

/// A result, and who knew it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What the step made.
    pub kept: Kept,
    /// What the cache is called.
    pub cache: String,
}

/// What a cache keeps of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// A layer, with its bytes.
    Layer(Layer),
    /// What is to be known of a layer without its bytes: the keys of later steps follow from it, their files do not.
    Promise(Packed),
    /// The step changed no file.
    Nothing,
}

impl Kept {
    /// Returns the layer; that of a promise cannot be opened.
    pub(crate) fn into_layer(self) -> Option<Layer> {
        match self {
            Self::Layer(layer) => Some(layer),
            Self::Promise(packed) => Some(packed.layer(Promised)),
            Self::Nothing => None,
        }
    }
}

/// The bytes that a promise does not have.
struct Promised;

impl Blob for Promised {
    fn open(&self) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + '_>> {
        let error = io::Error::new(io::ErrorKind::NotFound, "the cache does not keep this layer");
        Box::pin(std::future::ready(Err(error)))
    }
}

impl Packed {
    /// Returns the layer whose bytes `blob` has.
    pub(crate) fn layer(&self, blob: impl Blob) -> Layer {
        let Self { media_type, digest, size, diff_id } = self.clone();
        Layer::new(Descriptor::new(media_type, digest, size), diff_id, blob)
    }

    /// Returns what is to be known of `layer`.
    pub(crate) fn of(layer: &Layer) -> Self {
        Self {
            media_type: layer.media_type().to_oci(),
            digest: layer.digest(),
            size: layer.size(),
            diff_id: layer.diff_id(),
        }
    }
}
