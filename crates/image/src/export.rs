//! A file tree as a whole: in a tar archive, or in a directory of this machine.
//!
//! What an image's layers merge into is a tree like any other ([`Store::files`](crate::Store::files)); this is the way out
//! for those who want the files and not the image.

mod archive;
mod directory;

use std::{io, path::PathBuf};

pub use archive::archive;
pub use directory::directory;

/// The error returned when a tree cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An entry of the tree could not be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Its path in the tree.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An entry could not be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// Its path in the tree.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A device node may be made by root alone.
    #[error("`{}` is a device node, and this user may make none", path.display())]
    Device {
        /// Its path in the tree.
        path: PathBuf,
    },
}
