//! The merged files of layers, for reading.

use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::UnmountFlags;

use crate::ids::Ids;
use crate::in_root::open_in_root;
use crate::isolation::Isolation;
use crate::overlay;

/// A read-only mount of merged layers; dropping it removes the mount.
#[derive(Debug)]
pub struct View {
    at: PathBuf,
    root: PathBuf,
}

/// The error returned when layers cannot be shown merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The rung has no mounts.
    #[error("isolation `{isolation}` cannot show merged layers")]
    NotOffered {
        /// The rung.
        isolation: Isolation,
    },
    /// The kernel refused.
    #[error("failed to {doing}")]
    Mount {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl View {
    pub(crate) fn mount(layers: &[PathBuf], at: &Path, ids: &Ids) -> Result<Self, ViewError> {
        let root = overlay::view(layers, at, ids).map_err(|failure| ViewError::Mount {
            source: failure.source(),
            doing: failure.doing,
        })?;
        Ok(Self { at: at.to_owned(), root })
    }

    /// Returns the directory that shows the files. Symlinks in it are the image's: resolve them
    /// with [`open`](Self::open), which never leaves the image.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Opens a path inside the view for reading; symlinks are followed as if the view were `/`.
    ///
    /// # Errors
    ///
    /// As `openat2(2)`.
    pub fn open(&self, path: &Path) -> io::Result<std::fs::File> {
        use rustix::fs::{CWD, Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, &self.root, flags | OFlags::DIRECTORY, Mode::empty())?;
        Ok(open_in_root(root, path, flags)?.into())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // Detached, so that an open file of the view does not keep the mount point busy. Whatever
        // fails here ends with the process, whose mount namespace it is.
        let _ = rustix::mount::unmount(&self.root, UnmountFlags::DETACH);
        let _ = rustix::mount::unmount(&self.at, UnmountFlags::DETACH);
    }
}
