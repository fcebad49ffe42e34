//! An image half read: what every source does between the manifest and the image.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    blob::Blob,
    config::Config,
    digest::Digest,
    image::{Image, ImageError},
    layer::Layer,
    manifest::{Descriptor, Manifest},
};

/// A manifest that was read, and says which config is to be read next.
///
/// # Examples
///
/// ```
/// use notes_oci::{Blob, Image, Platform, Reading};
/// use std::sync::Arc;
///
/// let image = Image::scratch(Platform::linux("amd64"));
/// let reading = Reading::of(image.manifest_bytes().clone())?;
/// assert_eq!(reading.config().digest, image.manifest().config.digest);
/// let no_layer = |_: &_| -> Arc<dyn Blob> { unreachable!("scratch has none") };
/// assert_eq!(reading.finish(image.config_bytes().clone(), no_layer)?, image);
/// # Ok::<(), notes_oci::ImageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reading {
    manifest: Manifest,
    bytes: Bytes,
}

impl Reading {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`ImageError::Manifest`] where the bytes are no manifest of an image.
    pub fn of(manifest: Bytes) -> Result<Self, ImageError> {
        let bytes = manifest;
        let manifest =
            serde_json::from_slice(&bytes).map_err(|source| ImageError::Manifest { source })?;
        Ok(Self { manifest, bytes })
    }

    /// Returns the descriptor of the config.
    pub fn config(&self) -> &Descriptor {
        &self.manifest.config
    }

    /// Returns the image; `blob` finds the bytes of each layer.
    ///
    /// # Errors
    ///
    /// [`ImageError`] where the config is malformed or does not belong to the manifest.
    pub fn finish(
        self,
        config: Bytes,
        mut blob: impl FnMut(&Descriptor) -> Arc<dyn Blob>,
    ) -> Result<Image, ImageError> {
        let (manifest, config_bytes) = (self.manifest, config);
        let config: Config = serde_json::from_slice(&config_bytes)
            .map_err(|source| ImageError::Config { source })?;
        let (expected, found) = (manifest.config.digest, Digest::of(&config_bytes));
        if expected != found {
            return Err(ImageError::OtherConfig { expected, found });
        }
        let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers != diff_ids {
            return Err(ImageError::LayerCount { layers, diff_ids });
        }
        let layers = manifest
            .layers
            .iter()
            .zip(&config.rootfs.diff_ids)
            .map(|(descriptor, diff_id)| Layer::new(descriptor.clone(), *diff_id, blob(descriptor)))
            .collect();
        Ok(Image::from_parts(manifest, self.bytes, config, config_bytes, layers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let image = Image::scratch(Platform::linux("amd64"));
        let other = image.with_config(|config| config.author = Some("somebody".into()));
        let reading = Reading::of(image.manifest_bytes().clone()).unwrap();
        let error =
            reading.finish(other.config_bytes().clone(), |_| Arc::new(Bytes::new())).unwrap_err();
        assert!(matches!(error, ImageError::OtherConfig { .. }), "{error}");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let error = Reading::of(Bytes::from_static(b"not JSON")).unwrap_err();
        assert!(matches!(error, ImageError::Manifest { .. }), "{error}");
    }
}
