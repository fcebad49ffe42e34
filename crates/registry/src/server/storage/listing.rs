//! What a registry has.

use std::io;

use notes_oci::{Digest, Repository};

use super::{Kind, Storage, files::names};

impl Storage {
    /// Returns the tags of a repository in byte order, `None` where there is no repository.
    pub(in super::super) fn tags(
        &self,
        repository: &Repository,
    ) -> io::Result<Option<Vec<String>>> {
        if !self.root.join("repositories").join(repository.as_str()).exists() {
            return Ok(None);
        }
        names(&self.directory(repository, Kind::Tags)).map(Some)
    }

    /// Returns the names of all repositories that have a manifest, in byte order.
    pub(in super::super) fn repositories(&self) -> io::Result<Vec<String>> {
        let mut all = self.directories()?;
        let root = self.root.join("repositories");
        all.retain(|name| root.join(name).join(Kind::Manifests.directory()).exists());
        Ok(all)
    }

    /// Returns the names of all repositories, also of those to which something was uploaded and no manifest.
    pub(in super::super) fn directories(&self) -> io::Result<Vec<String>> {
        let root = self.root.join("repositories");
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        while let Some(prefix) = open.pop() {
            let (own, below): (Vec<_>, Vec<_>) =
                names(&root.join(&prefix))?.into_iter().partition(|name| name.starts_with('_'));
            let join = |name| if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            open.extend(below.into_iter().map(join));
            if !own.is_empty() {
                found.push(prefix);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns the names of what a repository has of a kind.
    pub(in super::super) fn entries(
        &self,
        repository: &Repository,
        kind: Kind,
    ) -> io::Result<Vec<String>> {
        names(&self.directory(repository, kind))
    }

    /// Returns the digests of all content that is there.
    pub(in super::super) fn content(&self) -> io::Result<Vec<Digest>> {
        let root = self.root.join("blobs/sha256");
        let mut found = Vec::new();
        for part in names(&root)? {
            let hexes = names(&root.join(part))?;
            let digest = |hex: &String| format!("sha256:{hex}").parse::<Digest>().ok();
            found.extend(hexes.iter().filter_map(digest));
        }
        Ok(found)
    }
}
