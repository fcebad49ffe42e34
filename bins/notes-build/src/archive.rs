//! An archive that `docker load`, podman and skopeo read.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter},
    path::Path,
};

use notes_image::tar::{Attributes, Body, Writer};
use notes_oci::{Digest, Image, Reference};
use serde_json::json;
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

/// Writes `image` to a new file at `path`: blobs where an image layout has them, and the `manifest.json` that names them.
///
/// Layers stay compressed as they are; every reader of the format tells by their first bytes.
pub(crate) async fn write(image: &Image, references: &[Reference], path: &Path) -> io::Result<()> {
    let (image, references, path) = (image.clone(), references.to_vec(), path.to_path_buf());
    let task = tokio::task::spawn_blocking(move || {
        // Renamed when it is whole: a reader never finds half an archive.
        let draft = path.with_extension("partial");
        let written = write_to(&image, &references, File::create(&draft)?);
        let renamed = written.and_then(|()| fs::rename(&draft, path));
        renamed.inspect_err(|_| drop(fs::remove_file(&draft)))
    });
    task.await.map_err(io::Error::other)?
}

fn write_to(image: &Image, references: &[Reference], file: File) -> io::Result<()> {
    let mut archive = Writer::new(BufWriter::new(file));
    let mut append = |name: &str, size: usize, content: &mut dyn io::Read| {
        let attributes = Attributes { mode: 0o644, ..Attributes::default() };
        archive.append(name.as_ref(), &attributes, &Body::File(size as u64), content)
    };
    let (config, config_name) = (image.config_bytes(), blob(&image.manifest().config.digest));
    append(&config_name, config.len(), &mut &config[..])?;
    // An image may hold the same layer twice, an archive a name once.
    let mut written = BTreeSet::new();
    for layer in image.layers() {
        if written.insert(layer.digest()) {
            let mut stream = SyncIoBridge::new(Handle::current().block_on(layer.open())?);
            let size = usize::try_from(layer.size()).map_err(io::Error::other)?;
            append(&blob(&layer.digest()), size, &mut stream)?;
        }
    }
    let names = json!([{
        "Config": config_name,
        "RepoTags": references.iter().map(docker_name).collect::<Vec<_>>(),
        "Layers": image.layers().iter().map(|layer| blob(&layer.digest())).collect::<Vec<_>>(),
    }]);
    let names = names.to_string();
    append("manifest.json", names.len(), &mut names.as_bytes())?;
    archive.finish()?.into_inner()?.sync_all()
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
