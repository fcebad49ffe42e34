//! What `RUN --mount` asks for.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::wire;

/// Something mounted for one command, or copied where there are no mounts. Targets are absolute paths inside the root; symlinks in
/// them are followed inside the root, missing parts are there for the command and gone afterwards.
///
/// Sources are paths of this machine and are taken as they are: a caller who resolves a name that
/// an image controls must do so without leaving the image, and a source that is itself a symlink
/// is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mount {
    /// A file or directory. `RUN --mount=type=bind`.
    Bind {
        /// The file or directory on this machine.
        #[serde(with = "wire::path")]
        source: PathBuf,
        /// Where the command sees it.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// What happens to writes.
        access: Access,
    },
    /// A directory that outlives the command. Locking it, and its first mode and owner, are the
    /// caller's business. `RUN --mount=type=cache`.
    Cache {
        /// The directory on this machine.
        #[serde(with = "wire::path")]
        source: PathBuf,
        /// Where the command sees it.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
    /// A directory in memory; where there are no mounts, one on the disk that goes away, and a limit is
    /// refused. `RUN --mount=type=tmpfs`.
    Tmpfs {
        /// Where the command sees it.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// The most it may hold, in bytes.
        size: Option<u64>,
    },
    /// A file that only exists in memory, read-only; where there are no mounts, one that is wiped when
    /// the command has ended in any way. `RUN --mount=type=secret`.
    Secret {
        /// Where the command sees it.
        #[serde(with = "wire::path")]
        target: PathBuf,
        /// What it holds.
        content: Secret,
        /// Its permission bits, usually `0o400`.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
    },
    /// The socket of an SSH agent. The socket keeps its owner, so that only a command that runs as
    /// root reaches it; `SSH_AUTH_SOCK` is for the caller to set. `RUN --mount=type=ssh`.
    Ssh {
        /// The socket on this machine.
        #[serde(with = "wire::path")]
        socket: PathBuf,
        /// Where the command sees it.
        #[serde(with = "wire::path")]
        target: PathBuf,
    },
}

impl Mount {
    /// Returns where the command sees it.
    pub fn target(&self) -> &Path {
        match self {
            Self::Bind { target, .. }
            | Self::Cache { target, .. }
            | Self::Tmpfs { target, .. }
            | Self::Secret { target, .. }
            | Self::Ssh { target, .. } => target,
        }
    }
}

/// What happens to writes below a [`Mount::Bind`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// They fail; without mounts they are lost.
    #[default]
    ReadOnly,
    /// They are seen by this command and then lost (`rw` of a Dockerfile's bind mount).
    Discarded,
    /// They reach the source.
    Kept,
}

/// Bytes that are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Hides `content`.
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        Self(content.into())
    }

    /// Returns the bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
