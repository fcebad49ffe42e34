//! What is being written: under a name that nobody looks at, locked while its process lives.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use notes_oci::Digest;
use tempfile::{NamedTempFile, TempDir};

use super::lock::Lock;

/// A blob that has no digest yet. Dropped without [`Draft::publish`], it is gone.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    blobs: PathBuf,
}

impl Draft {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let file = NamedTempFile::new_in(root.join("drafts"))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(Self { file, blobs: root.join("blobs/sha256") })
    }

    /// Makes the bytes durable and gives them their name.
    pub fn publish(self, digest: &Digest) -> io::Result<()> {
        let path = self.blobs.join(digest.hex());
        // Equal digest, equal bytes: whoever came first did it for both.
        if path.exists() {
            return Ok(());
        }
        self.file.as_file().sync_data()?;
        persist(self.file, &path)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Renames a temporary file, readable for other users of the store as the umask of the process would have it.
fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(path)
}

/// Makes the entry of `path` in its directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// Writes a small file in one step.
pub(super) fn write(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(root.join("drafts"))?;
    file.write_all(bytes)?;
    // Not synced: a record that a power cut empties is not JSON, and so not found.
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A directory being filled: the upper directory of a command, or a layer being unpacked.
#[derive(Debug)]
pub struct DraftDirectory {
    directory: TempDir,
    _lock: Lock,
}

impl DraftDirectory {
    pub(super) fn new(drafts: &Path) -> io::Result<Self> {
        let directory = TempDir::new_in(drafts)?;
        let lock = Lock::exclusive(&directory.path().join("lock"))?;
        for name in ["files", "work"] {
            let path = directory.path().join(name);
            fs::create_dir(&path)?;
            // A root directory is for everyone, whatever the umask of the build is.
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
        Ok(Self { directory, _lock: lock })
    }

    /// Returns the directory that becomes the layer.
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// Returns an empty directory on the same file system, as overlayfs wants beside its upper directory.
    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Returns a path beside both for whatever else a step needs.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Gives the directory its name; keeps the one that is there already if another process was faster.
    pub(super) fn publish(self, path: &Path) -> io::Result<()> {
        match fs::rename(self.files(), path) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// Removes the drafts of processes that are gone.
pub(super) fn sweep(drafts: &Path) -> io::Result<()> {
    for draft in fs::read_dir(drafts)? {
        let path = draft?.path();
        // A draft that vanishes meanwhile, or that another user owns, is not ours to worry about.
        let _ = remove_abandoned(&path);
    }
    Ok(())
}

fn remove_abandoned(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    // Between the two system calls that make and lock a draft it looks abandoned; a minute is far more than that takes.
    if metadata.modified()?.elapsed().unwrap_or_default().as_secs() < 60 {
        return Ok(());
    }
    let lock = if metadata.is_dir() { path.join("lock") } else { path.into() };
    let Some(_lock) = Lock::try_exclusive(&lock)? else { return Ok(()) };
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
