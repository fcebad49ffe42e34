//! The files of a commit, read from git objects.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use gix::{bstr::ByteSlice, objs::tree::EntryKind};

use crate::{Id, Repository, Revision, large, lfs::Pointer};

/// What an [`Entry`] is. Git keeps no other modes than these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file (mode 100644).
    File,
    /// A file that may be executed (mode 100755).
    Executable,
    /// A symbolic link; its content is the target.
    Symlink,
    /// Another repository at a commit of its own, whose files are not in this tree.
    Submodule,
}

/// An entry of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, relative to the tree's root.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The id of its content: equal content has an equal id, in this repository and in every other with the same hash.
    pub id: Id,
}

/// The error returned when a tree or a file in it cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// An object cannot be read.
    #[error("failed to read `{}` from the commit", path.display())]
    Object {
        /// The entry; empty for the root.
        path: PathBuf,
        /// Why.
        source: Box<gix::Error>,
    },
    /// It is not a directory.
    #[error("`{}` is not a directory of the commit", path.display())]
    NotADirectory {
        /// The entry.
        path: PathBuf,
    },
    /// Its files belong to another repository.
    #[error("`{}` is a submodule, whose files are not in the commit", path.display())]
    Submodule {
        /// The entry.
        path: PathBuf,
    },
    /// Git LFS has not fetched it.
    #[error("the content of `{}` is kept by git LFS and was not fetched", path.display())]
    NotFetched {
        /// The entry.
        path: PathBuf,
    },
    /// Git LFS has it, but it cannot be read.
    #[error("failed to read the content of `{}` that git LFS keeps", path.display())]
    Lfs {
        /// The entry.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl TreeError {
    /// Returns what may be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Submodule { .. } => {
                Some("exclude it in `.dockerignore`, or build the files as they lie in the working directory".into())
            }
            Self::NotFetched { .. } => Some("run `git lfs fetch` first, or exclude it in `.dockerignore`".into()),
            _ => None,
        }
    }

    fn object(path: &Path) -> impl FnOnce(gix::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Object { path, source: source.into() }
    }
}

/// What stands for a file that git LFS keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LargeFiles {
    /// Its content, which `git lfs` has fetched.
    #[default]
    Content,
    /// The pointer that the commit has in its place: all there is where nothing speaks git LFS.
    Pointer,
}

/// The files of a commit. Directories are read when they are asked for, and then remembered.
#[derive(Debug)]
pub struct Tree {
    repository: Repository,
    root: Id,
    large: LargeFiles,
    listings: Mutex<HashMap<PathBuf, Arc<[Entry]>>>,
}

impl Repository {
    /// Returns the files of `revision`.
    pub fn tree(&self, revision: &Revision) -> Result<Tree, TreeError> {
        self.tree_with(revision, LargeFiles::default())
    }

    /// Returns the files of `revision`, `large` being what stands for those that git LFS keeps.
    pub fn tree_with(&self, revision: &Revision, large: LargeFiles) -> Result<Tree, TreeError> {
        let (repository, root) = (self.clone(), revision.tree);
        let tree = Tree { repository, root, large, listings: Mutex::default() };
        // The root is read now, so that a tree that is not there is found before anything is built from it.
        tree.children(Path::new(""))?;
        Ok(tree)
    }
}

impl Tree {
    /// Returns the id of the whole tree.
    pub fn id(&self) -> Id {
        self.root
    }

    /// Returns the entry at `path`, `None` where there is nothing. The root has none.
    pub fn entry(&self, path: &Path) -> Result<Option<Entry>, TreeError> {
        let Some(parent) = path.parent() else { return Ok(None) };
        let Some(directory) = self.directory(parent)? else { return Ok(None) };
        let children = self.listing(parent, directory)?;
        Ok(children.iter().find(|entry| entry.path == path).cloned())
    }

    /// Returns the entries of the directory at `path`, sorted by name; `""` is the root.
    pub fn children(&self, path: &Path) -> Result<Arc<[Entry]>, TreeError> {
        match self.directory(path)? {
            Some(directory) => self.listing(path, directory),
            None => Err(match self.entry(path)?.map(|entry| entry.kind) {
                Some(Kind::Submodule) => TreeError::Submodule { path: path.into() },
                _ => TreeError::NotADirectory { path: path.into() },
            }),
        }
    }

    /// Returns all entries below `path`, each directory before what is in it, sorted by name within each.
    pub fn walk(&self, path: &Path) -> Result<Vec<Entry>, TreeError> {
        let mut entries = Vec::new();
        for entry in self.children(path)?.iter() {
            entries.push(entry.clone());
            if entry.kind == Kind::Directory {
                entries.extend(self.walk(&entry.path)?);
            }
        }
        Ok(entries)
    }

    /// Returns the size of a file's content in bytes, without reading it.
    pub fn size(&self, entry: &Entry) -> Result<u64, TreeError> {
        let header = self
            .repository
            .local()
            .find_header(entry.id.0)
            .map_err(TreeError::object(&entry.path))?;
        Ok(match self.pointer(entry, header.size())? {
            Some(pointer) => pointer.size,
            None => header.size(),
        })
    }

    /// Returns a file's content, or a symbolic link's target.
    ///
    /// The whole of it is in memory; [`Tree::open`] streams what is large.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, TreeError> {
        let repository = self.repository.local();
        let object = repository.find_object(entry.id.0).map_err(TreeError::object(&entry.path))?;
        Ok(object.detach().data)
    }

    /// Opens a file, looking for its content where git LFS keeps it if need be. A large one is streamed, unless git keeps it as a
    /// difference to another.
    pub fn open(&self, entry: &Entry) -> Result<Box<dyn Read + Send>, TreeError> {
        if let Some(content) = large::open(&self.repository.local(), entry.id.0) {
            return Ok(content);
        }
        let content = self.read(entry)?;
        match Pointer::parse(&content) {
            Some(pointer) if self.is_followed(entry) => self.open_large(entry, &pointer),
            _ => Ok(Box::new(Cursor::new(content))),
        }
    }

    fn open_large(
        &self,
        entry: &Entry,
        pointer: &Pointer,
    ) -> Result<Box<dyn Read + Send>, TreeError> {
        let object = pointer.object(self.repository.local().common_dir());
        match File::open(object) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(TreeError::NotFetched { path: entry.path.clone() })
            }
            Err(source) => Err(TreeError::Lfs { path: entry.path.clone(), source }),
        }
    }

    fn pointer(&self, entry: &Entry, size: u64) -> Result<Option<Pointer>, TreeError> {
        let may_be = Pointer::SIZES.contains(&size) && self.is_followed(entry);
        Ok(if may_be { Pointer::parse(&self.read(entry)?) } else { None })
    }

    /// Tells whether a pointer in this entry leads to its content.
    fn is_followed(&self, entry: &Entry) -> bool {
        self.large == LargeFiles::Content && entry.kind != Kind::Symlink
    }

    /// Returns the id of the directory at `path`, `None` if there is something else or nothing.
    fn directory(&self, path: &Path) -> Result<Option<Id>, TreeError> {
        if path.as_os_str().is_empty() {
            return Ok(Some(self.root));
        }
        let entry = self.entry(path)?;
        Ok(entry.filter(|entry| entry.kind == Kind::Directory).map(|entry| entry.id))
    }

    fn listing(&self, path: &Path, id: Id) -> Result<Arc<[Entry]>, TreeError> {
        let lock = || self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = lock().get(path) {
            return Ok(Arc::clone(listing));
        }
        let listing: Arc<[Entry]> = self.decode(path, id).map_err(TreeError::object(path))?.into();
        lock().insert(path.into(), Arc::clone(&listing));
        Ok(listing)
    }

    fn decode(&self, path: &Path, id: Id) -> Result<Vec<Entry>, gix::Error> {
        let repository = self.repository.local();
        let tree = repository.find_tree(id.0)?;
        let mut entries = Vec::new();
        for entry in tree.iter() {
            let entry = entry?;
            let name = entry.inner.filename.as_bstr();
            // git does not write such a name; a server may.
            if matches!(name.as_bytes(), b"" | b"." | b"..") || name.contains(&b'/') {
                let problem = gix::error::validation(format!("`{name}` is not a name of a file"));
                return Err(gix::Error::from_error(problem));
            }
            entries.push(Entry {
                path: path.join(gix::path::from_bstr(name)?),
                kind: Kind::from(entry.inner.mode.kind()),
                id: Id(entry.inner.oid.to_owned()),
            });
        }
        // Git sorts a directory as if its name ended in a slash; readers expect names in order.
        entries.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(entries)
    }
}

impl From<EntryKind> for Kind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::Tree => Self::Directory,
            EntryKind::Blob => Self::File,
            EntryKind::BlobExecutable => Self::Executable,
            EntryKind::Link => Self::Symlink,
            EntryKind::Commit => Self::Submodule,
        }
    }
}
