//! What a build made: an image, or one per platform under one name.

use notes_oci::{Descriptor, Digest, Image, ImageIndex, ImageSink, Pinned, Reference};

/// What a build made.
#[derive(Clone, Debug)]
pub(crate) enum Product {
    /// An image of one platform.
    Image(Box<Image>),
    /// Images of several.
    Index(ImageIndex),
}

impl Product {
    /// Returns the images, one per platform.
    pub(crate) fn images(&self) -> &[Image] {
        match self {
            Self::Image(image) => std::slice::from_ref(image),
            Self::Index(index) => index.images(),
        }
    }

    /// Returns the digest that a name is pinned to.
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Image(image) => image.digest(),
            Self::Index(index) => index.digest(),
        }
    }

    /// Returns what docker calls the image's id: the digest of the config, and where there are several, of the index
    /// (docker/buildx, `getImageID`).
    pub(crate) fn id(&self) -> Digest {
        match self {
            Self::Image(image) => image.manifest().config.digest,
            Self::Index(index) => index.digest(),
        }
    }

    /// Returns the descriptor of what a name is pinned to.
    pub(crate) fn descriptor(&self) -> Descriptor {
        match self {
            Self::Image(image) => Descriptor { platform: None, ..image.descriptor() },
            Self::Index(index) => index.descriptor(),
        }
    }

    /// Writes it all to `sink` under `reference`.
    pub(crate) async fn write<S: ImageSink>(
        &self,
        sink: &S,
        reference: &Reference,
    ) -> Result<Pinned, S::Error> {
        match self {
            Self::Image(image) => sink.write(image, reference).await,
            Self::Index(index) => sink.write_index(index, reference).await,
        }
    }
}
