//! Keeping the store under a size.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{DIRECTORIES, Store, damage, lock::Lock};

/// What [`Store::prune`] keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct PruneOptions {
    /// The most bytes that stay; 0 empties the store.
    pub keep_bytes: u64,
}

/// What [`Store::prune`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bytes on disk before.
    pub before: u64,
    /// Bytes removed.
    pub removed: u64,
    /// Blobs, layers, records and cache mounts removed.
    pub entries: u64,
}

/// The error returned by [`Store::prune`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// A build is using the store.
    #[error("the store `{}` is in use by a build", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The store could not be read or changed.
    #[error("failed to prune the store `{}`", path.display())]
    Io {
        /// The store.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl PruneError {
    /// Tells whether trying again later may work.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

/// Something that can be removed on its own.
struct Candidate {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

impl Store {
    /// Removes what was made or used longest ago until at most [`PruneOptions::keep_bytes`] are left.
    ///
    /// Takes the store away from everybody meanwhile, the caller's own handle included: that is why it takes a path.
    pub fn prune(root: &Path, options: &PruneOptions) -> Result<Pruned, PruneError> {
        let failed = |source| PruneError::Io { path: root.into(), source };
        let lock = Lock::try_exclusive(&root.join("lock")).map_err(failed)?;
        let Some(_lock) = lock else { return Err(PruneError::InUse { path: root.into() }) };
        let mut candidates = candidates(root).map_err(failed)?;
        candidates.sort_by(|left, right| (left.used, &left.path).cmp(&(right.used, &right.path)));
        let before = candidates.iter().map(|candidate| candidate.bytes).sum();
        let mut pruned = Pruned { before, ..Pruned::default() };
        for candidate in candidates {
            if before - pruned.removed <= options.keep_bytes {
                break;
            }
            // First: a layer that is removed by half must not look whole.
            remove_census(&candidate.path).map_err(failed)?;
            remove(&candidate.path).map_err(failed)?;
            pruned.removed += candidate.bytes;
            pruned.entries += 1;
        }
        Ok(pruned)
    }
}

fn candidates(root: &Path) -> io::Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for directory in DIRECTORIES {
        for entry in fs::read_dir(root.join(directory))? {
            let path = entry?.path();
            // Goes with its layer.
            if path.extension().is_some_and(|it| it == "census") && path.with_extension("").exists()
            {
                continue;
            }
            let metadata = fs::symlink_metadata(&path)?;
            let used = metadata.modified()?;
            candidates.push(Candidate { used, bytes: size(&path)?, path });
        }
    }
    Ok(candidates)
}

/// Returns the bytes that `path` and all below it take on disk.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            bytes += size(&entry?.path())?;
        }
    }
    Ok(bytes)
}

fn remove_census(layer: &Path) -> io::Result<()> {
    match fs::remove_file(damage::path(layer)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}
