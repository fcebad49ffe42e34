//! The images that are pushed and pulled.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use notes_oci::{Digest, Hashing, MediaType, Platform};
use serde_json::{Value, json};

use super::Result;

/// The name of the image in its layout.
pub(super) const NAME: &str = "bench:1";
/// Its tag, as the layout has it.
const TAG: &str = "1";

/// How an image is cut into layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Large,
    Small,
}

impl Shape {
    pub(super) const ALL: [Self; 2] = [Self::Large, Self::Small];

    fn layers(self) -> (u64, usize) {
        match self {
            Self::Large => (1_000_000_000, 1),
            Self::Small => (100_000, 1_000),
        }
    }

    pub(super) fn bytes(self) -> u64 {
        let (size, count) = self.layers();
        size * count as u64
    }

    /// Writes an image of random layers as an image layout.
    pub(super) fn write(self, layout: &Path) -> Result<()> {
        let blobs = layout.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let (size, count) = self.layers();
        let (mut layers, mut digests) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let digest = random(&blobs, size)?;
            layers.push(json!({ "mediaType": MediaType::Layer, "digest": digest, "size": size }));
            digests.push(digest);
        }
        let platform = Platform::native();
        let config = json!({
            "architecture": platform.architecture, "os": platform.os,
            "rootfs": { "type": "layers", "diff_ids": digests },
        });
        let config = put(&blobs, &MediaType::Config, &config)?;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MediaType::Manifest, "config": config, "layers": layers,
        });
        let mut manifest = put(&blobs, &MediaType::Manifest, &manifest)?;
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": TAG });
        let index =
            json!({ "schemaVersion": 2, "mediaType": MediaType::Index, "manifests": [manifest] });
        fs::write(layout.join("index.json"), index.to_string())?;
        Ok(fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Large => "1 layer of 1 GB",
            Self::Small => "1,000 layers of 100 KB",
        })
    }
}

/// Writes random bytes as a blob; they look like nothing that can be compressed.
fn random(blobs: &Path, size: u64) -> io::Result<Digest> {
    let draft = blobs.join("draft");
    let mut file = Hashing::new(fs::File::create(&draft)?);
    io::copy(&mut fs::File::open("/dev/urandom")?.take(size), &mut file)?;
    file.flush()?;
    let digest = file.digest();
    fs::rename(draft, blobs.join(digest.hex()))?;
    Ok(digest)
}

/// Writes a document as a blob, and returns its descriptor.
fn put(blobs: &Path, media_type: &MediaType, document: &Value) -> io::Result<Value> {
    let bytes = document.to_string();
    let digest = Digest::of(&bytes);
    fs::write(blobs.join(digest.hex()), &bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
}
