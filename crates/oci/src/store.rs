//! The ports between images and where they are kept.

use std::future::Future;

use crate::{
    image::Image,
    image_index::ImageIndex,
    platform::Platform,
    reference::{Pinned, Reference},
};

/// Where images come from: a registry, a layout directory, memory.
///
/// Behaviour is added by wrapping: a cache or a limit is itself an `ImageSource` that holds another.
pub trait ImageSource: Send + Sync {
    /// Why an image could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the image that `reference` names for `platform`. Manifest and config are read; layers are not.
    fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> impl Future<Output = Result<Image, Self::Error>> + Send;
}

/// Where images go: a registry, a layout directory, memory.
pub trait ImageSink: Send + Sync {
    /// Why an image could not be written.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Writes `image` under `reference`, its name last: nobody sees the name before all of the image is there.
    fn write(
        &self,
        image: &Image,
        reference: &Reference,
    ) -> impl Future<Output = Result<Pinned, Self::Error>> + Send;

    /// Writes `index` under `reference`: its images first, under their digests, then the index, and with it the name.
    fn write_index(
        &self,
        index: &ImageIndex,
        reference: &Reference,
    ) -> impl Future<Output = Result<Pinned, Self::Error>> + Send;
}
