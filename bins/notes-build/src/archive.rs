//! Archives of images: what `docker load`, podman and skopeo read, and image layouts.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use notes_image::tar::{Attributes, Body, Writer};
use notes_oci::{Digest, Image, Index, REF_NAME, Reference};
use serde_json::json;
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

use crate::product::Product;

/// What an archive says about the blobs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `manifest.json`, as docker names images.
    Docker,
    /// `index.json`, as an image layout does.
    Layout,
}

/// Writes `product` into an archive: blobs where an image layout has them, and the files that name them. Blocks.
///
/// Layers stay compressed as they are; every reader of either format tells by their first bytes.
pub(crate) fn write(
    product: &Product,
    references: &[Reference],
    format: Format,
    output: impl Write,
) -> io::Result<()> {
    let mut archive = Archive { tar: Writer::new(output), written: BTreeSet::new() };
    for image in product.images() {
        archive.image(image)?;
    }
    match format {
        Format::Docker => archive.docker_names(product, references)?,
        Format::Layout => archive.layout_names(product, references)?,
    }
    archive.tar.finish()?.flush()
}

struct Archive<W> {
    tar: Writer<W>,
    /// An image may hold a layer twice, and two images the same one; an archive holds a name once.
    written: BTreeSet<Digest>,
}

impl<W: Write> Archive<W> {
    fn file(&mut self, name: &str, size: u64, content: &mut dyn io::Read) -> io::Result<()> {
        let attributes = Attributes { mode: 0o644, ..Attributes::default() };
        self.tar.append(name.as_ref(), &attributes, &Body::File(size), content)
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name, bytes.len() as u64, &mut &*bytes)
    }

    fn blob(&mut self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        if self.written.insert(digest) { self.bytes(&blob(&digest), bytes) } else { Ok(()) }
    }

    fn image(&mut self, image: &Image) -> io::Result<()> {
        self.blob(image.manifest().config.digest, image.config_bytes())?;
        for layer in image.layers() {
            if self.written.insert(layer.digest()) {
                let mut stream = SyncIoBridge::new(Handle::current().block_on(layer.open())?);
                self.file(&blob(&layer.digest()), layer.size(), &mut stream)?;
            }
        }
        Ok(())
    }

    fn docker_names(&mut self, product: &Product, references: &[Reference]) -> io::Result<()> {
        let names: Vec<_> = references.iter().map(docker_name).collect();
        let images: Vec<_> = product
            .images()
            .iter()
            .map(|image| {
                let layers = image.layers().iter().map(|layer| blob(&layer.digest()));
                json!({
                    "Config": blob(&image.manifest().config.digest),
                    "RepoTags": names,
                    "Layers": layers.collect::<Vec<_>>(),
                })
            })
            .collect();
        self.bytes("manifest.json", json!(images).to_string().as_bytes())
    }

    fn layout_names(&mut self, product: &Product, references: &[Reference]) -> io::Result<()> {
        for image in product.images() {
            self.blob(image.digest(), image.manifest_bytes())?;
        }
        if let Product::Index(index) = product {
            self.blob(index.digest(), index.bytes())?;
        }
        let named = |reference: &Reference| {
            let mut descriptor = product.descriptor();
            descriptor.annotations.insert(REF_NAME.into(), reference.to_string());
            descriptor
        };
        let index = serde_json::to_vec(&Index::new(references.iter().map(named).collect()))?;
        self.bytes("index.json", &index)?;
        self.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
    }
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Returns the name as docker prints it: without the registry and `library/` of Docker Hub.
fn docker_name(reference: &Reference) -> String {
    let text = reference.to_string();
    let short = text.strip_prefix("docker.io/").unwrap_or(&text);
    short.strip_prefix("library/").unwrap_or(short).to_owned()
}
