//! A readable file tree: the port through which the build context, other stages and images are seen.

mod path;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Read},
    path::{Path, PathBuf},
};

pub use path::{clean, follow};

/// A file tree that can be listed and read. Paths are relative to its root and clean: `""` is the root itself.
///
/// A tree is a jail. Implementations never follow a symbolic link; [`follow`] does, inside the tree.
///
/// The build context is one (the commit's files, or a directory), and so is the file system of a stage.
pub trait Tree: Send + Sync {
    /// Returns what stands at `path`, a link itself rather than what it points to; `None` where there is nothing.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;

    /// Returns the names in the directory `path` with what they are, sorted by name.
    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>>;

    /// Opens the regular file `path`.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;

    /// Returns the line of the ignore file that hides `path`, where one does.
    fn hidden_by(&self, path: &Path) -> Option<usize> {
        let _ = path;
        None
    }
}

/// One entry of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The permission bits, with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Seconds since 1970; `None` where the time means nothing and the builder is to choose one.
    pub modified: Option<i64>,
    /// Extended attributes that belong into an image.
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
    /// An id that equal content shares and other content does not (a git blob id, for one): spares reading the file to know
    /// whether it has changed.
    pub content: Option<String>,
    /// Device and inode of a file with several names, so that hard links stay hard links.
    pub inode: Option<(u64, u64)>,
}

impl Entry {
    /// Returns an entry of user 0 without time, extended attributes or content id.
    pub fn new(kind: Kind, mode: u32) -> Self {
        Self {
            kind,
            mode,
            uid: 0,
            gid: 0,
            modified: None,
            xattrs: BTreeMap::new(),
            content: None,
            inode: None,
        }
    }

    /// Returns a directory of mode 0755.
    pub fn directory() -> Self {
        Self::new(Kind::Directory, 0o755)
    }

    /// Tells whether this is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// What an [`Entry`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file of this many bytes.
    File(u64),
    /// A symbolic link to this target.
    Symlink(PathBuf),
    /// A character device.
    Character {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A block device.
    Block {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// The tree without entries: what `FROM scratch` begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Tree for Nothing {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(path.as_os_str().is_empty().then(Entry::directory))
    }

    fn children(&self, _: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        Ok(Vec::new())
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
