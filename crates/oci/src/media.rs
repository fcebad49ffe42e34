//! Media types: OCI's own and docker's older names for the same things.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A media type as a descriptor or a manifest states it; unknown ones are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum MediaType {
    /// `application/vnd.oci.image.index.v1+json`
    Index,
    /// `application/vnd.oci.image.manifest.v1+json`
    Manifest,
    /// `application/vnd.oci.image.config.v1+json`
    Config,
    /// `application/vnd.oci.image.layer.v1.tar`
    Layer,
    /// `application/vnd.oci.image.layer.v1.tar+gzip`
    LayerGzip,
    /// `application/vnd.oci.image.layer.v1.tar+zstd`
    LayerZstd,
    /// `application/vnd.oci.empty.v1+json`
    Empty,
    /// `application/vnd.docker.distribution.manifest.list.v2+json`
    DockerManifestList,
    /// `application/vnd.docker.distribution.manifest.v2+json`
    DockerManifest,
    /// `application/vnd.docker.container.image.v1+json`
    DockerConfig,
    /// `application/vnd.docker.image.rootfs.diff.tar`
    DockerLayer,
    /// `application/vnd.docker.image.rootfs.diff.tar.gzip`
    DockerLayerGzip,
    /// `application/vnd.docker.image.rootfs.foreign.diff.tar.gzip`
    DockerForeignLayer,
    /// Any other.
    Other(String),
}

/// Each known media type and its name, once.
const NAMES: [(MediaType, &str); 13] = [
    (MediaType::Index, "application/vnd.oci.image.index.v1+json"),
    (MediaType::Manifest, "application/vnd.oci.image.manifest.v1+json"),
    (MediaType::Config, "application/vnd.oci.image.config.v1+json"),
    (MediaType::Layer, "application/vnd.oci.image.layer.v1.tar"),
    (MediaType::LayerGzip, "application/vnd.oci.image.layer.v1.tar+gzip"),
    (MediaType::LayerZstd, "application/vnd.oci.image.layer.v1.tar+zstd"),
    (MediaType::Empty, "application/vnd.oci.empty.v1+json"),
    (MediaType::DockerManifestList, "application/vnd.docker.distribution.manifest.list.v2+json"),
    (MediaType::DockerManifest, "application/vnd.docker.distribution.manifest.v2+json"),
    (MediaType::DockerConfig, "application/vnd.docker.container.image.v1+json"),
    (MediaType::DockerLayer, "application/vnd.docker.image.rootfs.diff.tar"),
    (MediaType::DockerLayerGzip, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    (MediaType::DockerForeignLayer, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
];

/// How the bytes of a layer are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip (RFC 1952), possibly of several members.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl MediaType {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES
                .iter()
                .find_map(|(media, name)| (media == known).then_some(*name))
                .expect("each variant but `Other` stands in NAMES"),
        }
    }

    /// Tells whether this is a list of manifests.
    pub fn is_index(&self) -> bool {
        matches!(self, Self::Index | Self::DockerManifestList)
    }

    /// Tells whether this is the manifest of one image.
    pub fn is_manifest(&self) -> bool {
        matches!(self, Self::Manifest | Self::DockerManifest)
    }

    /// Returns the compression of a layer of this type, `None` for what is not a layer.
    pub fn compression(&self) -> Option<Compression> {
        match self {
            Self::Layer | Self::DockerLayer => Some(Compression::None),
            Self::LayerGzip | Self::DockerLayerGzip | Self::DockerForeignLayer => {
                Some(Compression::Gzip)
            }
            Self::LayerZstd => Some(Compression::Zstd),
            // Non-distributable layers of OCI 1.0 and zstd under docker's prefix: both exist in the wild.
            Self::Other(name) if name.ends_with("+gzip") || name.ends_with("tar.gzip") => {
                Some(Compression::Gzip)
            }
            Self::Other(name) if name.ends_with("+zstd") || name.ends_with("tar.zstd") => {
                Some(Compression::Zstd)
            }
            Self::Other(name) if name.split('.').next_back() == Some("tar") => {
                Some(Compression::None)
            }
            _ => None,
        }
    }

    /// Returns OCI's name for the same bytes: docker's manifest and layer types become theirs.
    ///
    /// An image on a docker schema 2 base is written as OCI, with the same blobs (facts: no registry mixes both).
    pub fn to_oci(&self) -> Self {
        match self {
            Self::DockerManifestList => Self::Index,
            Self::DockerManifest => Self::Manifest,
            Self::DockerConfig => Self::Config,
            Self::DockerLayer => Self::Layer,
            Self::DockerLayerGzip => Self::LayerGzip,
            other => other.clone(),
        }
    }
}

impl From<String> for MediaType {
    fn from(name: String) -> Self {
        NAMES
            .iter()
            .find_map(|(media, known)| (*known == name).then(|| media.clone()))
            .unwrap_or(Self::Other(name))
    }
}

impl From<&str> for MediaType {
    fn from(name: &str) -> Self {
        Self::from(name.to_owned())
    }
}

impl From<MediaType> for String {
    fn from(media: MediaType) -> Self {
        media.as_str().to_owned()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_reads_back() {
        for (media, name) in NAMES {
            assert_eq!(MediaType::from(name), media);
            assert_eq!(media.as_str(), name);
        }
        assert_eq!(MediaType::from("text/plain").as_str(), "text/plain");
    }

    #[test]
    fn layers_of_all_ages_are_known_by_their_compression() {
        for (name, expected) in [
            ("application/vnd.oci.image.layer.v1.tar+zstd", Some(Compression::Zstd)),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", Some(Compression::Zstd)),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar", Some(Compression::None)),
            ("application/json", None),
        ] {
            assert_eq!(MediaType::from(name).compression(), expected, "{name}");
        }
    }
}
