//! An image: config, layers, and the manifest that binds them.

use bytes::Bytes;

use crate::{
    config::{Config, History},
    digest::Digest,
    layer::Layer,
    manifest::{Descriptor, Manifest},
    media::MediaType,
    platform::Platform,
};

/// An image of one platform. Immutable: what changes it returns a new one.
///
/// An image that was read keeps its manifest and config byte for byte, and with them its digest; one that was changed
/// is written anew, in OCI's media types.
///
/// # Examples
///
/// ```
/// use notes_oci::{Image, Platform};
///
/// let scratch = Image::scratch(Platform::linux("amd64"));
/// let labelled = scratch.with_config(|config| {
///     config.config.labels.insert("org.opencontainers.image.title".into(), "notes".into());
/// });
/// assert_ne!(scratch.digest(), labelled.digest());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    manifest: Manifest,
    manifest_bytes: Bytes,
    config: Config,
    config_bytes: Bytes,
    layers: Vec<Layer>,
}

/// The error returned when a manifest, a config and layers do not belong together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The manifest is no JSON of the known shape.
    #[error("the manifest cannot be read")]
    Manifest {
        /// Why not.
        source: serde_json::Error,
    },
    /// The config is no JSON of the known shape.
    #[error("the image config cannot be read")]
    Config {
        /// Why not.
        source: serde_json::Error,
    },
    /// The config is not the one the manifest names.
    #[error("the manifest names config {expected} and the config's digest is {found}")]
    OtherConfig {
        /// The digest in the manifest.
        expected: Digest,
        /// The digest of the config at hand.
        found: Digest,
    },
    /// Manifest and config disagree on the number of layers.
    #[error("the manifest has {layers} layers and the config {diff_ids} diff ids")]
    LayerCount {
        /// Layers in the manifest.
        layers: usize,
        /// Diff ids in the config.
        diff_ids: usize,
    },
}

impl Image {
    /// Returns an image without layers: what `FROM scratch` means.
    pub fn scratch(platform: Platform) -> Self {
        Self::assemble(Config::scratch(platform), &[], std::collections::BTreeMap::new())
    }

    /// Returns the image that was read as these parts, of which the caller knows that they belong together.
    pub(crate) fn from_parts(
        manifest: Manifest,
        manifest_bytes: Bytes,
        config: Config,
        config_bytes: Bytes,
        layers: Vec<Layer>,
    ) -> Self {
        Self { manifest, manifest_bytes, config, config_bytes, layers }
    }

    fn assemble(
        mut config: Config,
        layers: &[Layer],
        annotations: std::collections::BTreeMap<String, String>,
    ) -> Self {
        let layers: Vec<_> = layers.iter().map(Layer::to_oci).collect();
        config.rootfs.diff_ids = layers.iter().map(Layer::diff_id).collect();
        let config_bytes = to_json(&config);
        let manifest = Manifest {
            annotations,
            ..Manifest::new(
                Descriptor::of(MediaType::Config, &config_bytes),
                layers.iter().map(|layer| layer.descriptor().clone()).collect(),
            )
        };
        Self { manifest_bytes: to_json(&manifest), manifest, config, config_bytes, layers }
    }

    /// Returns this image with another config; the diff ids are kept, whatever `change` does to them.
    pub fn with_config(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        Self::assemble(config, &self.layers, self.manifest.annotations.clone())
    }

    /// Returns this image with `layer` on top, and the step that made it in the history.
    pub fn with_layer(&self, layer: Layer, history: History) -> Self {
        let mut config = self.config.clone();
        config.history.push(History { empty_layer: false, ..history });
        let mut layers = self.layers.clone();
        layers.push(layer);
        Self::assemble(config, &layers, self.manifest.annotations.clone())
    }

    /// Returns this image with exactly `config` and `layers`; the diff ids follow from the layers.
    pub fn with_parts(&self, config: Config, layers: &[Layer]) -> Self {
        Self::assemble(config, layers, self.manifest.annotations.clone())
    }

    /// Returns this image with these annotations in its manifest (image-spec, annotations.md).
    pub fn with_annotations(
        &self,
        annotations: std::collections::BTreeMap<String, String>,
    ) -> Self {
        Self::assemble(self.config.clone(), &self.layers, annotations)
    }

    /// Returns the digest of the manifest: the image's identity.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes)
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the manifest's bytes, whose digest is the image's.
    pub fn manifest_bytes(&self) -> &Bytes {
        &self.manifest_bytes
    }

    /// Returns the media type a registry is told for the manifest.
    pub fn media_type(&self) -> MediaType {
        self.manifest.media_type.clone().unwrap_or(MediaType::Manifest)
    }

    /// Returns the descriptor of the manifest, with its platform, as an index lists it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            platform: Some(self.config.platform.clone()),
            ..Descriptor::of(self.media_type(), &self.manifest_bytes)
        }
    }

    /// Returns the config.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the config's bytes, whose digest stands in the manifest.
    pub fn config_bytes(&self) -> &Bytes {
        &self.config_bytes
    }

    /// Returns the layers, bottom first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

/// Writes JSON of a type whose maps have text keys and which holds no float that JSON cannot write.
fn to_json(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).expect("own types with text keys are always JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::DiffId, media::MediaType, reading::Reading};

    #[test]
    fn a_layer_brings_its_diff_id_and_its_history() {
        let bytes = Bytes::from_static(b"tar");
        let layer = Layer::new(
            Descriptor::of(MediaType::DockerLayerGzip, &bytes),
            DiffId::from(Digest::of(b"plain")),
            bytes,
        );
        let image = Image::scratch(Platform::linux("amd64")).with_layer(
            layer,
            History { created_by: Some("COPY a b".into()), ..History::default() },
        );
        assert_eq!(image.config().rootfs.diff_ids, [DiffId::from(Digest::of(b"plain"))]);
        assert_eq!(image.config().history.len(), 1);
        assert_eq!(image.layers()[0].media_type(), &MediaType::LayerGzip, "written as OCI");

        let read = Reading::of(image.manifest_bytes().clone()).unwrap();
        let again =
            read.finish(image.config_bytes().clone(), |_| std::sync::Arc::new(Bytes::new()));
        assert_eq!(again.unwrap(), image);
    }
}
