//! Descriptors, manifests and indexes (image-spec: descriptor.md, manifest.md, image-index.md).
//!
//! Fields this crate does not know are kept, and maps are sorted, so that reading and writing again yields one form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{digest::Digest, media::MediaType, platform::Platform};

/// The annotation that names an image inside a layout directory (image-spec, annotations.md).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What points at a blob: its type, digest and size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: MediaType,
    /// Their digest.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// In an index: the platform the manifest is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Free annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other fields (`urls`, `data`, `artifactType`).
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Descriptor {
    /// Returns the descriptor of `bytes`.
    pub fn of(media_type: MediaType, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// Returns a descriptor without platform and annotations.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            platform: None,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        }
    }
}

/// The manifest of one image: a config and layers, bottom first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// The type of the manifest itself; docker's always states it, OCI's may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The config.
    pub config: Descriptor,
    /// The layers, bottom first.
    pub layers: Vec<Descriptor>,
    /// Free annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other fields (`artifactType`, `subject`).
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Manifest {
    /// Returns an OCI manifest without annotations.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::Manifest),
            config,
            layers,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        }
    }
}

/// A list of manifests, one per platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The type of the index itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// Free annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other fields.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Index {
    /// Returns an OCI index of `manifests`.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::Index),
            manifests,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        }
    }

    /// Returns the manifest for `platform`: the first that it accepts.
    ///
    /// A manifest without a platform is taken if it is the only one; attestations (platform `unknown/unknown`) never.
    pub fn select(&self, platform: &Platform) -> Option<&Descriptor> {
        self.manifests
            .iter()
            .find(|manifest| manifest.platform.as_ref().is_some_and(|it| platform.accepts(it)))
            .or(match self.manifests.as_slice() {
                [only] if only.platform.is_none() => Some(only),
                _ => None,
            })
    }

    /// Returns the platforms it has, for an error that names them.
    pub fn platforms(&self) -> Vec<&Platform> {
        self.manifests
            .iter()
            .filter_map(|manifest| manifest.platform.as_ref())
            .filter(|platform| platform.os != "unknown")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive() {
        let text = r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[],"artifactType":"a/b"}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&manifest).unwrap(), text);
    }

    #[test]
    fn an_index_yields_the_manifest_of_a_platform() {
        let of = |text: &str| Descriptor {
            platform: Some(text.parse().unwrap()),
            ..Descriptor::of(MediaType::Manifest, text.as_bytes())
        };
        let index =
            Index::new(vec![of("unknown/unknown"), of("linux/arm64/v8"), of("linux/amd64")]);
        let amd64 = index.select(&Platform::linux("amd64")).unwrap();
        assert_eq!(amd64.digest, Digest::of("linux/amd64"));
        assert!(index.select(&Platform::linux("arm64")).is_some());
        assert!(index.select(&Platform::linux("s390x")).is_none());
        assert_eq!(index.platforms().len(), 2);
    }
}
