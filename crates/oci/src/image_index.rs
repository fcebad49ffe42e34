//! An image index: the images of several platforms that share a name.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    digest::Digest,
    image::Image,
    manifest::{Descriptor, Index},
    media::MediaType,
    platform::Platform,
};

/// The images of one name, one per platform (image-spec, image-index.md). Immutable, and in the order it was given:
/// readers take the first that fits.
///
/// It is to [`Index`], the document, what an [`Image`] is to its manifest: what is in it is at hand, so that a sink can
/// write the whole of it.
///
/// # Examples
///
/// ```
/// use notes_oci::{Image, ImageIndex, Platform};
///
/// let images = ["amd64", "arm64"].map(|architecture| Image::scratch(Platform::linux(architecture)));
/// let index = ImageIndex::new(images)?;
/// assert_eq!(index.document().platforms().len(), 2);
///
/// let twice = ["linux/arm64", "linux/arm64/v8"].map(|text| Image::scratch(text.parse().unwrap()));
/// assert!(ImageIndex::new(twice).is_err(), "two names of one platform");
/// # Ok::<(), notes_oci::ImageIndexError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageIndex {
    document: Index,
    bytes: Bytes,
    images: Vec<Image>,
}

/// The error returned when images make no index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageIndexError {
    /// There is no image.
    #[error("an index of no images")]
    Empty,
    /// Two images are for one platform: which of them a reader gets would be chance.
    #[error("two images of the index are for `{platform}`")]
    Twice {
        /// The platform.
        platform: Platform,
    },
}

impl ImageIndex {
    /// Returns the index of `images`.
    ///
    /// # Errors
    ///
    /// [`ImageIndexError`] where there are none, or two for one platform.
    pub fn new(images: impl IntoIterator<Item = Image>) -> Result<Self, ImageIndexError> {
        let images: Vec<_> = images.into_iter().collect();
        if images.is_empty() {
            return Err(ImageIndexError::Empty);
        }
        for (number, image) in images.iter().enumerate() {
            let platform = &image.config().platform;
            let same = |other: &Image| {
                let other = &other.config().platform;
                platform.accepts(other) && other.accepts(platform)
            };
            if images[..number].iter().any(same) {
                return Err(ImageIndexError::Twice { platform: platform.clone() });
            }
        }
        Ok(Self::assemble(images, BTreeMap::new()))
    }

    fn assemble(images: Vec<Image>, annotations: BTreeMap<String, String>) -> Self {
        let manifests = images.iter().map(Image::descriptor).collect();
        let document = Index { annotations, ..Index::new(manifests) };
        let bytes = serde_json::to_vec(&document).expect("an index has text keys and no floats");
        Self { document, bytes: bytes.into(), images }
    }

    /// Returns the index that was read as these bytes, whose digest it keeps; the caller has found each of its images.
    pub(crate) fn of_read(document: Index, bytes: Bytes, images: Vec<Image>) -> Self {
        Self { document, bytes, images }
    }

    /// Returns this index with these annotations; those of the images stay theirs.
    pub fn with_annotations(&self, annotations: BTreeMap<String, String>) -> Self {
        Self::assemble(self.images.clone(), annotations)
    }

    /// Returns the digest of the document: the index's identity.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Returns the document.
    pub fn document(&self) -> &Index {
        &self.document
    }

    /// Returns the document's bytes, whose digest is the index's.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the media type a registry is told for the document.
    pub fn media_type(&self) -> MediaType {
        self.document.media_type.clone().unwrap_or(MediaType::Index)
    }

    /// Returns the descriptor of the document.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(self.media_type(), &self.bytes)
    }

    /// Returns the images, in the order of the document.
    pub fn images(&self) -> &[Image] {
        &self.images
    }
}
