//! The archive that `docker save` writes and every builder can: `manifest.json`, the config, the layers.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

use super::{config, difference::Facts, tree::Tree};

/// The error returned when an image could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("failed to read the archive `{path}`")]
    Read { path: String, source: io::Error },
    #[error("`{member}` of the archive `{path}` is not as it should be")]
    Json { path: String, member: String, source: serde_json::Error },
    #[error("the archive `{path}` has no `{member}`")]
    Missing { path: String, member: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    /// Null where an image has none.
    layers: Option<Vec<String>>,
}

/// Reads an image and returns what there is to compare.
pub(crate) fn facts(path: &Path) -> Result<Facts, ArchiveError> {
    let archive = Archive::open(path)?;
    let manifests: Vec<Manifest> = archive.json("manifest.json")?;
    let manifest = manifests.first().ok_or_else(|| archive.missing("manifest.json"))?;
    let configuration: Value = archive.json(&manifest.config)?;
    let mut tree = Tree::default();
    for name in manifest.layers.iter().flatten() {
        let failed = |source| ArchiveError::Read { path: archive.path.clone(), source };
        let layer = archive.member(name)?;
        let applied = if layer.starts_with(&[0x1f, 0x8b]) {
            tree.apply(MultiGzDecoder::new(layer))
        } else {
            tree.apply(layer)
        };
        applied.map_err(failed)?;
    }
    let mut facts = tree.facts();
    facts.insert("config".to_owned(), config::facts(&configuration));
    Ok(facts)
}

/// An archive in memory: images here are small.
struct Archive {
    path: String,
    members: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, ArchiveError> {
        let name = path.display().to_string();
        let failed = |source| ArchiveError::Read { path: name.clone(), source };
        let members = members(path).map_err(failed)?;
        Ok(Self { path: name, members })
    }

    fn member(&self, name: &str) -> Result<&[u8], ArchiveError> {
        self.members.get(name).map(Vec::as_slice).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, member: &str) -> ArchiveError {
        ArchiveError::Missing { path: self.path.clone(), member: member.to_owned() }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, ArchiveError> {
        let failed = |source| ArchiveError::Json {
            path: self.path.clone(),
            member: name.to_owned(),
            source,
        };
        serde_json::from_slice(self.member(name)?).map_err(failed)
    }
}

/// Reads the files; a link is another name of what it leads to (an older writer names a layer twice so).
fn members(path: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(File::open(path)?).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if let Some(target) = entry.link_name()? {
            let target = target.to_string_lossy();
            let content = members.get(target.trim_start_matches("../")).cloned();
            members.extend(content.map(|content| (name, content)));
        } else if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            members.insert(name, content);
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_read_from_its_archive() {
        let layer = {
            let mut layer = tar::Builder::new(Vec::new());
            append(&mut layer, "a", b"1");
            layer.into_inner().unwrap()
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        let manifest = br#"[{"Config":"c.json","RepoTags":null,"Layers":["l"]}]"#;
        append(&mut archive, "manifest.json", manifest);
        append(&mut archive, "c.json", br#"{"os":"linux","config":{"User":"app"}}"#);
        append(&mut archive, "l", &layer);
        archive.finish().unwrap();
        let facts = facts(&path).unwrap();
        assert_eq!(facts["/a"]["content"], "\"1\"");
        assert_eq!(facts["config"]["User"], "\"app\"");
    }

    fn append(archive: &mut tar::Builder<impl io::Write>, name: &str, content: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, name, content).unwrap();
    }
}
