//! The forms an image comes in.

use std::{io::Write as _, sync::Arc};

use notes_oci::{
    Blob, Descriptor, DiffId, Digest, Image, ImageIndex, ImageSink as _, MediaType, Platform,
    Reading, Reference,
};
use notes_registry::Remote;
use serde_json::json;

/// A form an image comes in. Docker's own has no zstd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    OciGzip,
    OciZstd,
    Docker,
    OciIndex,
    DockerList,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::OciGzip, Self::OciZstd, Self::Docker, Self::OciIndex, Self::DockerList];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OciGzip => "oci-gzip",
            Self::OciZstd => "oci-zstd",
            Self::Docker => "docker",
            Self::OciIndex => "oci-index",
            Self::DockerList => "docker-list",
        }
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerList)
    }

    fn is_docker(self) -> bool {
        matches!(self, Self::Docker | Self::DockerList)
    }

    /// Pushes an image of this kind, and returns it: one, or one for each platform of a list.
    pub(super) async fn push(self, remote: &Remote, reference: &Reference) -> Vec<Image> {
        let own = self.image(&Platform::native());
        match self {
            Self::OciGzip | Self::OciZstd | Self::Docker => {
                remote.write(&own, reference).await.unwrap();
                vec![own]
            }
            Self::OciIndex => {
                let images = vec![own, self.image(&other_platform())];
                let index = ImageIndex::new(images.clone()).unwrap();
                remote.write_index(&index, reference).await.unwrap();
                images
            }
            Self::DockerList => {
                let images = vec![own, self.image(&other_platform())];
                for image in &images {
                    let tag = format!("{}-{}", self.name(), image.config().platform.architecture);
                    remote.write(image, &tagged(reference, &tag)).await.unwrap();
                }
                put_list(&images, reference).await;
                images
            }
        }
    }

    /// An image of two layers with a file each.
    fn image(self, platform: &Platform) -> Image {
        let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
        for number in [1, 2] {
            let tar =
                archive(&format!("file-{number}"), &format!("{self:?} {platform} {number}\n"));
            diff_ids.push(DiffId::from(Digest::of(&tar)));
            layers.push(self.pack(&tar));
        }
        let config = json!({
            "architecture": platform.architecture, "os": "linux", "config": { "Cmd": ["/file-1"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string().into_bytes();
        let descriptors: Vec<_> =
            layers.iter().map(|layer| Descriptor::of(self.layer_type(), layer)).collect();
        let (manifest_type, config_type) = if self.is_docker() {
            (MediaType::DockerManifest, MediaType::DockerConfig)
        } else {
            (MediaType::Manifest, MediaType::Config)
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": manifest_type,
            "config": Descriptor::of(config_type, &config), "layers": descriptors,
        });
        let reading = Reading::of(manifest.to_string().into_bytes().into()).unwrap();
        let blob = |wanted: &Descriptor| -> Arc<dyn Blob> {
            let layer = layers.iter().find(|layer| Digest::of(layer) == wanted.digest);
            Arc::new(bytes::Bytes::from(layer.expect("it is one of these").clone()))
        };
        reading.finish(config.into(), blob).unwrap()
    }

    fn layer_type(self) -> MediaType {
        match self {
            Self::OciGzip | Self::OciIndex => MediaType::LayerGzip,
            Self::OciZstd => MediaType::LayerZstd,
            Self::Docker | Self::DockerList => MediaType::DockerLayerGzip,
        }
    }

    fn pack(self, tar: &[u8]) -> Vec<u8> {
        if self == Self::OciZstd {
            return zstd::encode_all(tar, 3).unwrap();
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(tar).unwrap();
        gzip.finish().unwrap()
    }
}

/// A platform that is not this machine's.
fn other_platform() -> Platform {
    let native = Platform::native().architecture;
    Platform::linux(if native == "arm64" { "amd64" } else { "arm64" })
}

fn archive(name: &str, content: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    archive.into_inner().unwrap()
}

fn tagged(reference: &Reference, tag: &str) -> Reference {
    let text = reference.to_string();
    let (name, _) = text.rsplit_once(':').unwrap();
    format!("{name}:{tag}").parse().unwrap()
}

/// Puts a list as docker writes it, which we only read.
async fn put_list(images: &[Image], reference: &Reference) {
    let manifests: Vec<_> = images
        .iter()
        .map(|image| Descriptor {
            platform: Some(image.config().platform.clone()),
            ..image.descriptor()
        })
        .collect();
    let media_type = MediaType::DockerManifestList;
    let list = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
    let text = reference.to_string();
    let (host, rest) = text.split_once('/').unwrap();
    let (name, tag) = rest.rsplit_once(':').unwrap();
    let client = reqwest::Client::builder().no_proxy();
    let client = client.tls_backend_preconfigured(crate::tls()).build().unwrap();
    let put = client.put(format!("http://{host}/v2/{name}/manifests/{tag}"));
    let put = put.header("content-type", media_type.as_str()).body(list.to_string());
    assert_eq!(put.send().await.unwrap().status(), 201);
}
