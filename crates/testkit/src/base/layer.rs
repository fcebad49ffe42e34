//! A tar becomes a layer.

use std::{fs::File, io, path::Path};

use flate2::{Compression, write::GzEncoder};
use notes_oci::{Descriptor, DiffId, FileBlob, Hashing, Layer, MediaType};

/// Compresses `archive` into a file of `directory` and returns the layer that it is.
pub(super) fn compress(archive: &Path, directory: &Path) -> io::Result<Layer> {
    let path = directory.join("layer.tar.gz");
    let mut archive = Hashing::new(File::open(archive)?);
    let packed = Hashing::new(File::create(&path)?);
    // Fast, because a base is made while somebody waits and is read on this machine alone.
    let mut encoder = GzEncoder::new(packed, Compression::fast());
    io::copy(&mut archive, &mut encoder)?;
    let (_, digest, size) = encoder.finish()?.finish();
    let descriptor = Descriptor::new(MediaType::LayerGzip, digest, size);
    Ok(Layer::new(descriptor, DiffId::from(archive.digest()), FileBlob { path, digest, size }))
}
