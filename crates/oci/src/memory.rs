//! Images in a map, for tests and dry runs.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::io::AsyncReadExt;

use crate::{
    blob::Blob,
    digest::Digest,
    image::{Image, ImageError},
    image_index::ImageIndex,
    manifest::{Descriptor, Index},
    platform::Platform,
    reading::Reading,
    reference::{Pinned, Reference},
    store::{ImageSink, ImageSource},
};

/// A source and a sink of images that keeps everything in memory.
///
/// # Examples
///
/// ```
/// use notes_oci::{Image, ImageSink, ImageSource, Memory, Platform};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (memory, platform) = (Memory::default(), Platform::linux("amd64"));
/// let name = "example/app:1".parse()?;
/// let pinned = memory.write(&Image::scratch(platform.clone()), &name).await?;
/// assert_eq!(memory.image(&pinned.reference(), &platform).await?.digest(), pinned.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<Digest, Bytes>,
    names: BTreeMap<String, Digest>,
}

/// The error returned by [`Memory`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// Nothing has that name or digest.
    #[error("`{reference}` is not here")]
    NotFound {
        /// What was asked for.
        reference: Reference,
    },
    /// The image is for another platform.
    #[error("`{reference}` is for {found}, not for {wanted}")]
    OtherPlatform {
        /// What was asked for.
        reference: Reference,
        /// The platform wanted.
        wanted: Platform,
        /// The platform of the image.
        found: Platform,
    },
    /// The index has no image for the platform.
    #[error("`{reference}` has no image for {platform}")]
    NoPlatform {
        /// What was asked for.
        reference: Reference,
        /// The platform wanted.
        platform: Platform,
    },
    /// What is here is no image.
    #[error("`{reference}` cannot be read")]
    Image {
        /// What was asked for.
        reference: Reference,
        /// Why not.
        source: ImageError,
    },
    /// A layer could not be read while an image was written.
    #[error("failed to read layer {digest}")]
    Layer {
        /// The layer.
        digest: Digest,
        /// Why not.
        source: io::Error,
    },
}

impl Memory {
    fn blob(&self, digest: &Digest) -> Option<Bytes> {
        let contents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contents.blobs.get(digest).cloned()
    }

    fn keep(&self, blobs: Vec<(Digest, Bytes)>, digest: Digest, reference: &Reference) -> Pinned {
        let mut contents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        contents.blobs.extend(blobs);
        contents.names.insert(reference.to_string(), digest);
        reference.pin(digest)
    }
}

impl ImageSource for Memory {
    type Error = MemoryError;

    async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, MemoryError> {
        let not_found = || MemoryError::NotFound { reference: reference.clone() };
        let digest = match reference.digest {
            Some(digest) => digest,
            None => *self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .names
                .get(&reference.to_string())
                .ok_or_else(not_found)?,
        };
        let mut manifest = self.blob(&digest).ok_or_else(not_found)?;
        if let Ok(index) = serde_json::from_slice::<Index>(&manifest) {
            let selected = index.select(platform).ok_or_else(|| MemoryError::NoPlatform {
                reference: reference.clone(),
                platform: platform.clone(),
            })?;
            manifest = self.blob(&selected.digest).ok_or_else(not_found)?;
        }
        let unreadable = |source| MemoryError::Image { reference: reference.clone(), source };
        let reading = Reading::of(manifest).map_err(unreadable)?;
        let config = self.blob(&reading.config().digest).ok_or_else(not_found)?;
        let bytes = |layer: &Descriptor| {
            Arc::new(self.blob(&layer.digest).unwrap_or_default()) as Arc<dyn Blob>
        };
        let image = reading.finish(config, bytes).map_err(unreadable)?;
        if !platform.accepts(&image.config().platform) {
            return Err(MemoryError::OtherPlatform {
                reference: reference.clone(),
                wanted: platform.clone(),
                found: image.config().platform.clone(),
            });
        }
        Ok(image)
    }
}

impl ImageSink for Memory {
    type Error = MemoryError;

    async fn write(&self, image: &Image, reference: &Reference) -> Result<Pinned, MemoryError> {
        let blobs = blobs(image).await?;
        Ok(self.keep(blobs, image.digest(), reference))
    }

    async fn write_index(
        &self,
        index: &ImageIndex,
        reference: &Reference,
    ) -> Result<Pinned, MemoryError> {
        let mut all = vec![(index.digest(), index.bytes().clone())];
        for image in index.images() {
            all.extend(blobs(image).await?);
        }
        Ok(self.keep(all, index.digest(), reference))
    }
}

/// Reads everything an image is made of.
async fn blobs(image: &Image) -> Result<Vec<(Digest, Bytes)>, MemoryError> {
    let mut blobs = vec![
        (image.manifest().config.digest, image.config_bytes().clone()),
        (image.digest(), image.manifest_bytes().clone()),
    ];
    for layer in image.layers() {
        let failed = |source| MemoryError::Layer { digest: layer.digest(), source };
        let mut bytes = Vec::new();
        layer.open().await.map_err(failed)?.read_to_end(&mut bytes).await.map_err(failed)?;
        blobs.push((layer.digest(), bytes.into()));
    }
    Ok(blobs)
}
