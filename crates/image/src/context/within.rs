//! A directory of a tree.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::tree::{Entry, Tree};

/// A directory of a tree as a tree of its own.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use notes_image::{context::{Listing, Within}, tree::Tree};
///
/// let tree = Arc::new(Listing::default().with_file("dir/file", ""));
/// let within = Within::new(tree, "dir");
/// assert!(within.entry("file".as_ref())?.is_some());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Within {
    tree: Arc<dyn Tree>,
    directory: PathBuf,
}

impl Within {
    /// Returns what is in `directory`, a clean relative path.
    pub fn new(tree: Arc<dyn Tree>, directory: impl Into<PathBuf>) -> Self {
        Self { tree, directory: directory.into() }
    }

    fn outside(&self, path: &Path) -> PathBuf {
        // `join("")` would add a slash, and with it another path.
        if path.as_os_str().is_empty() { self.directory.clone() } else { self.directory.join(path) }
    }
}

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Tree for Within {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.tree.entry(&self.outside(path))
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        self.tree.children(&self.outside(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.tree.open(&self.outside(path))
    }

    fn hidden_by(&self, path: &Path) -> Option<usize> {
        self.tree.hidden_by(&self.outside(path))
    }
}
