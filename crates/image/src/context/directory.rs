//! The files of a directory as they lie.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::tree::{Entry, Kind, Tree};

/// A directory as a build context.
///
/// Owners, times and extended attributes of the machine are left out and modes are reduced to what git keeps (0755 or
/// 0644), so that a file means the same in every checkout. Sockets and devices are not seen.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Returns the context of the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn describe(path: &Path, metadata: &Metadata) -> io::Result<Option<Entry>> {
        let kind = metadata.file_type();
        Ok(Some(if kind.is_dir() {
            Entry::directory()
        } else if kind.is_symlink() {
            Entry::new(Kind::Symlink(fs::read_link(path)?), 0o777)
        } else if kind.is_file() {
            let mode = if metadata.mode() & 0o100 == 0 { 0o644 } else { 0o755 };
            Entry::new(Kind::File(metadata.len()), mode)
        } else if kind.is_fifo() {
            Entry::new(Kind::Fifo, 0o644)
        } else {
            return Ok(None);
        }))
    }

    /// Returns the path on this machine, if no directory on the way there is a link out of the tree.
    fn locate(&self, path: &Path) -> io::Result<PathBuf> {
        let mut located = self.root.clone();
        for name in path.parent().into_iter().flat_map(Path::components) {
            located.push(name);
            if fs::symlink_metadata(&located)?.is_symlink() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Ok(self.root.join(path))
    }
}

impl Tree for Directory {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let found = self.locate(path).and_then(|located| {
            let metadata = fs::symlink_metadata(&located)?;
            if path.as_os_str().is_empty() {
                return Ok(Some(Entry::directory()));
            }
            Self::describe(&located, &metadata)
        });
        match found {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            other => other,
        }
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let mut children = Vec::new();
        for child in fs::read_dir(self.locate(path)?.join(""))? {
            let child = child?;
            if let Some(entry) = Self::describe(&child.path(), &child.metadata()?)? {
                children.push((child.file_name(), entry));
            }
        }
        children.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(children)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs::File::open(self.locate(path)?)?))
    }
}
