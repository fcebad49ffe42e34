//! Trees in the directories of another.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::tree::{Entry, Tree};

/// A tree with other trees in some of its directories, which need not be there.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use notes_image::{context::{Grafted, Listing}, tree::Tree};
///
/// let inner = Listing::default().with_file("file", "");
/// let outer = Listing::default().with_file("other", "");
/// let tree = Grafted::new(Arc::new(outer), [("dir".into(), Arc::new(inner) as Arc<dyn Tree>)]);
/// assert!(tree.entry("dir/file".as_ref())?.is_some());
/// assert_eq!(tree.children("".as_ref())?.len(), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Grafted {
    tree: Arc<dyn Tree>,
    grafts: BTreeMap<PathBuf, Arc<dyn Tree>>,
}

impl Grafted {
    /// Returns `tree` with `grafts` by the paths of their directories, in place of what is there.
    pub fn new(
        tree: Arc<dyn Tree>,
        grafts: impl IntoIterator<Item = (PathBuf, Arc<dyn Tree>)>,
    ) -> Self {
        Self { tree, grafts: grafts.into_iter().collect() }
    }

    /// Returns the tree that `path` is in, and what it is called there.
    fn find<'a>(&'a self, path: &'a Path) -> (&'a Arc<dyn Tree>, &'a Path) {
        let graft = path.ancestors().find_map(|ancestor| {
            let graft = self.grafts.get(ancestor)?;
            Some((graft, path.strip_prefix(ancestor).unwrap_or(path)))
        });
        graft.unwrap_or((&self.tree, path))
    }
}

impl fmt::Debug for Grafted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grafted").field("grafts", &self.grafts.keys()).finish_non_exhaustive()
    }
}

impl Tree for Grafted {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let (tree, path) = self.find(path);
        if path.as_os_str().is_empty() { Ok(Some(Entry::directory())) } else { tree.entry(path) }
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let (tree, inner) = self.find(path);
        let mut children: BTreeMap<_, _> = tree.children(inner)?.into_iter().collect();
        let here = self.grafts.keys().filter(|graft| graft.parent() == Some(path));
        let names = here.filter_map(|graft| graft.file_name());
        children.extend(names.map(|name| (name.to_owned(), Entry::directory())));
        Ok(children.into_iter().collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let (tree, path) = self.find(path);
        tree.open(path)
    }
}
