//! Removing what nothing leads to any more, beside running pushes.
//!
//! A push first asks which blobs are there, uploads the others, and names all of them in a manifest at the end. So a blob
//! that no manifest names is in use as long as somebody may still push that manifest: for [`PruneOptions::older_than`]
//! after it was uploaded, mounted or asked for. Manifests are only accepted while nothing is removed, and refused if
//! a blob is gone by then: whatever the age, no name leads to half an image.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use notes_oci::{Digest, Repository};

use super::{
    Durability, Mode, manifests,
    storage::{Kind, Storage},
};

/// What [`prune`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneOptions {
    /// For how long a blob that no manifest names, and an upload that nobody goes on with, stay.
    pub older_than: Duration,
}

impl Default for PruneOptions {
    fn default() -> Self {
        Self { older_than: Duration::from_hours(24) }
    }
}

/// What [`prune`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Blobs and manifests whose content is gone.
    pub contents: u64,
    /// Uploads that nobody went on with.
    pub uploads: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// The error returned by [`prune`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// There is no registry.
    #[error("`{}` is no directory of a registry", path.display())]
    NoRegistry {
        /// The directory.
        path: PathBuf,
    },
    /// It could not be read or changed.
    #[error("failed to prune the registry in `{}`", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Removes what nothing leads to from the registry in `root`, which may be serving meanwhile. Blocks.
///
/// Manifests stay, also those without a tag: what is deployed is pinned to their digests.
///
/// # Errors
///
/// [`PruneError`] where there is no registry, or its files cannot be read or removed.
pub fn prune(root: &Path, options: &PruneOptions) -> Result<Pruned, PruneError> {
    if !root.join("repositories").is_dir() {
        return Err(PruneError::NoRegistry { path: root.into() });
    }
    let before = SystemTime::now().checked_sub(options.older_than);
    // As one that writes nothing: what a server that starts just now has begun is not to be taken for stale.
    Storage::open(root, Durability::Unsynced, Mode::ReadOnly)
        .and_then(|storage| Pruning { storage, before, pruned: Pruned::default() }.run())
        .map_err(|source| PruneError::Io { path: root.into(), source })
}

struct Pruning {
    storage: Storage,
    /// What was used later stays; nothing is old enough where there was no such time.
    before: Option<SystemTime>,
    pruned: Pruned,
}

impl Pruning {
    fn run(mut self) -> io::Result<Pruned> {
        let _alone = self.storage.alone()?;
        let mut linked = HashSet::new();
        for name in self.storage.directories()? {
            let Ok(repository) = name.parse::<Repository>() else { continue };
            self.repository(&repository, &mut linked)?;
        }
        for digest in self.storage.content()? {
            let path = self.storage.blob_path(&digest);
            if !linked.contains(&digest.hex())
                && let Some(bytes) = self.remove_old(&path)?
            {
                self.pruned.contents += 1;
                self.pruned.bytes += bytes;
            }
        }
        Ok(self.pruned)
    }

    /// Removes what a repository has and does not need, and adds what stays to `linked`.
    fn repository(
        &mut self,
        repository: &Repository,
        linked: &mut HashSet<String>,
    ) -> io::Result<()> {
        let mut needed = HashSet::new();
        for hex in self.storage.entries(repository, Kind::Manifests)? {
            let Ok(digest) = format!("sha256:{hex}").parse::<Digest>() else { continue };
            if let Some((media_type, bytes)) = self.storage.manifest(repository, &digest)? {
                let blobs = manifests::blobs(&media_type, &bytes).unwrap_or_default();
                needed.extend(blobs.iter().map(Digest::hex));
            }
            linked.insert(hex);
        }
        for hex in self.storage.entries(repository, Kind::Blobs)? {
            let entry = self.storage.entry(repository, Kind::Blobs, &hex);
            if needed.contains(&hex) || self.remove_old(&entry)?.is_none() {
                linked.insert(hex);
            }
        }
        for id in self.storage.entries(repository, Kind::Uploads)? {
            let upload = self.storage.entry(repository, Kind::Uploads, &id);
            if let Some(bytes) = self.remove_old(&upload)? {
                self.pruned.uploads += 1;
                self.pruned.bytes += bytes;
            }
        }
        Ok(())
    }

    /// Removes a file that was last used before all that stays, and returns its size.
    fn remove_old(&self, path: &Path) -> io::Result<Option<u64>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            // An upload that has ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let used = metadata.modified()?;
        if self.before.is_none_or(|before| used > before) {
            return Ok(None);
        }
        fs::remove_file(path)?;
        Ok(Some(metadata.len()))
    }
}
