//! A context whose entries are known: a commit's tree, or files made for a test.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_oci::Digest;

use crate::tree::{Entry, Kind, Tree};

/// Opens a listed file.
type Opener = dyn Fn(&Path) -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// A tree that is listed once; files are opened when they are needed.
///
/// # Examples
///
/// ```
/// use notes_image::{context::Listing, tree::Tree};
///
/// let context = Listing::default().with_file("src/main.py", "print('hello')\n");
/// assert!(context.entry("src".as_ref())?.is_some_and(|entry| entry.is_directory()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Listing {
    directories: BTreeMap<PathBuf, BTreeMap<OsString, Entry>>,
    contents: BTreeMap<PathBuf, Arc<[u8]>>,
    opener: Option<Arc<Opener>>,
}

impl Default for Listing {
    /// Returns a tree that has only its root.
    fn default() -> Self {
        Self {
            directories: [(PathBuf::new(), BTreeMap::new())].into(),
            contents: BTreeMap::new(),
            opener: None,
        }
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("directories", &self.directories).finish_non_exhaustive()
    }
}

impl Listing {
    /// Returns the tree of `entries`, given by relative path in any order; `open` reads a file. Directories on the way to
    /// an entry need not be listed.
    pub fn new(
        entries: impl IntoIterator<Item = (PathBuf, Entry)>,
        open: impl Fn(&Path) -> io::Result<Box<dyn Read + Send>> + Send + Sync + 'static,
    ) -> Self {
        let mut listing = Self { opener: Some(Arc::new(open)), ..Self::default() };
        for (path, entry) in entries {
            listing.insert(&path, entry);
        }
        listing
    }

    /// Adds a file of mode 0644.
    pub fn with_file(self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Self {
        let size = content.as_ref().len() as u64;
        self.with_entry(path, Entry::new(Kind::File(size), 0o644), content)
    }

    /// Adds a symbolic link.
    pub fn with_link(self, path: impl AsRef<Path>, target: impl Into<PathBuf>) -> Self {
        self.with_entry(path, Entry::new(Kind::Symlink(target.into()), 0o777), "")
    }

    /// Adds any entry; `content` counts for files only.
    pub fn with_entry(
        mut self,
        path: impl AsRef<Path>,
        mut entry: Entry,
        content: impl AsRef<[u8]>,
    ) -> Self {
        let (path, content) = (path.as_ref(), content.as_ref());
        if let Kind::File(size) = &mut entry.kind {
            *size = content.len() as u64;
            entry.content.get_or_insert_with(|| Digest::of(content).to_string());
            self.contents.insert(path.into(), content.into());
        }
        self.insert(path, entry);
        self
    }

    fn insert(&mut self, path: &Path, entry: Entry) {
        if entry.is_directory() {
            self.directories.entry(path.into()).or_default();
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        if !self.directories.contains_key(parent) {
            self.insert(parent, Entry::directory());
        }
        self.directories.entry(parent.into()).or_default().insert(name.into(), entry);
    }
}

impl Tree for Listing {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Some(Entry::directory()));
        };
        Ok(self.directories.get(parent).and_then(|names| names.get(name)).cloned())
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let names = self.directories.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(names.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        match (self.contents.get(path), &self.opener) {
            (Some(content), _) => Ok(Box::new(io::Cursor::new(Arc::clone(content)))),
            (None, Some(opener)) => opener(path),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_on_the_way_exist() {
        let listing = Listing::default().with_file("a/b/c", "x").with_file("a/b.txt", "y");
        let names = |path: &str| -> Vec<OsString> {
            listing.children(path.as_ref()).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(""), ["a"]);
        assert_eq!(names("a"), ["b", "b.txt"]);
        assert_eq!(listing.entry("a/missing".as_ref()).unwrap(), None);
        let mut content = String::new();
        listing.open("a/b/c".as_ref()).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "x");
    }
}
