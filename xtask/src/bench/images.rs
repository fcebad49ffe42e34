//! The images that are moved, as image layouts of layers that do not compress.

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufWriter, Read, Write as _},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use notes_oci::{
    Descriptor, DiffId, FileBlob, Hashing, History, Image, ImageSink as _, Layer, Layout,
    MediaType, Platform,
};
use notes_testkit::Chance;

use crate::{bench::Result, output};

/// The images that are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Images {
    /// One layer of 1 GB.
    Large,
    /// 50 layers of 20 MB, and the same with one other.
    Middle,
    /// 1,000 layers of 100 KB.
    Small,
}

impl Images {
    /// Returns the number of layers and the bytes of each.
    fn shape(self) -> (u64, u64) {
        match self {
            Self::Large => (1, 1_000_000_000),
            Self::Middle => (50, 20_000_000),
            Self::Small => (1000, 100_000),
        }
    }

    /// Returns the bytes of its layers together.
    pub(super) fn bytes(self) -> u64 {
        let (count, size) = self.shape();
        count * size
    }

    /// Returns what the image is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Middle => "middle",
            Self::Small => "small",
        }
    }

    /// True where there is a second image that has all layers but one of the first.
    pub(super) fn has_changed(self) -> bool {
        self == Self::Middle
    }

    /// Writes the layouts into `images` of `directory`, each called as its image.
    pub(super) fn make(self, directory: &Path) -> Result<()> {
        output::say(&format!("making {self}"));
        let (count, size) = self.shape();
        let place = directory.join("images").join(self.name());
        let layers = (0..count).map(|number| layer(&place, number, size)).collect::<Result<_>>()?;
        write(&place, layers)?;
        if self.has_changed() {
            let changed = directory.join("images").join(format!("{}-changed", self.name()));
            let mut layers = Vec::new();
            for number in 0..count - 1 {
                layers.push(layer(&changed, number, size)?);
            }
            layers.push(layer(&changed, count, size)?);
            write(&changed, layers)?;
        }
        Ok(())
    }
}

impl fmt::Display for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Large => "1 × 1 GB",
            Self::Middle => "50 × 20 MB",
            Self::Small => "1,000 × 100 KB",
        })
    }
}

/// Writes the layer of a number: a tar of one file, packed by gzip without compression.
fn layer(layout: &Path, number: u64, size: u64) -> Result<Layer> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let draft = blobs.join("draft");
    let packed = Hashing::new(BufWriter::new(File::create(&draft)?));
    let packing = Hashing::new(GzEncoder::new(packed, Compression::none()));
    let mut tar = tar::Builder::new(packing);
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    let chance = Chance::with_seed("layers", number);
    tar.append_data(&mut header, format!("file-{number}"), Noise { chance, left: size })?;
    let (packing, diff_id, _) = tar.into_inner()?.finish();
    let (mut file, digest, size) = packing.finish()?.finish();
    file.flush()?;
    let path = blobs.join(digest.hex());
    fs::rename(&draft, &path)?;
    let descriptor = Descriptor::new(MediaType::LayerGzip, digest, size);
    Ok(Layer::new(descriptor, DiffId::from(diff_id), FileBlob { path, digest, size }))
}

fn write(layout: &Path, layers: Vec<Layer>) -> Result<()> {
    let image = layers.into_iter().fold(Image::scratch(Platform::native()), |image, layer| {
        image.with_layer(layer, History::default())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        // The blobs are there, and with them a directory that is not empty: it is no layout yet.
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": [] });
        fs::write(layout.join("index.json"), index.to_string())?;
        fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let layout = Layout::open(layout).await?;
        layout.write(&image, &"bench/app:it".parse()?).await?;
        Ok(())
    })
}

/// Bytes that no program can make smaller.
struct Noise {
    chance: Chance,
    left: u64,
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        for piece in buffer[..length].chunks_mut(8) {
            let noise = self.chance.below(u64::MAX).to_le_bytes();
            piece.copy_from_slice(&noise[..piece.len()]);
        }
        self.left -= length as u64;
        Ok(length)
    }
}
