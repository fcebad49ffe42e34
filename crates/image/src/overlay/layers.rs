//! The merged view of unpacked layers, without mounting anything.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use super::{Node, is_opaque, node};
use crate::tree::{Entry, Tree};

/// Unpacked layers seen as one tree, as overlayfs would show it.
///
/// Needs no mount, so it works on every rung of isolation, and follows no link, so an image cannot lead it astray.
#[derive(Clone, Debug)]
pub struct Layers {
    /// Top first.
    directories: Vec<PathBuf>,
}

/// What a path is in the merged view: the topmost entry, and for a directory all that merge into it.
pub(crate) struct Merged {
    pub(crate) entry: Entry,
    /// Where it lies on disk, top first.
    pub(crate) sources: Vec<PathBuf>,
}

impl Layers {
    /// Returns the view of unpacked layers, given bottom first.
    pub fn new(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut directories: Vec<_> = directories.into_iter().collect();
        directories.reverse();
        Self { directories }
    }

    /// Returns where the topmost entry of `path` lies on this machine.
    pub fn locate(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Ok(self.merged(path)?.and_then(|merged| merged.sources.into_iter().next()))
    }

    fn root(&self) -> io::Result<Merged> {
        let mut entry = Entry::directory();
        for directory in &self.directories {
            if let Some(Node::Entry(found)) = node(directory)? {
                entry = found;
                break;
            }
        }
        Ok(Merged { entry, sources: self.directories.clone() })
    }

    fn merged(&self, path: &Path) -> io::Result<Option<Merged>> {
        let mut current = self.root()?;
        for component in path.components() {
            let Component::Normal(name) = component else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is not clean"));
            };
            match child(&current.sources, name.as_ref())? {
                Some(next) if current.entry.is_directory() => current = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(current))
    }
}

/// Returns what `name` is in the directory that `parents`, top first, merge into.
pub(crate) fn child(parents: &[PathBuf], name: &Path) -> io::Result<Option<Merged>> {
    let mut found: Option<Merged> = None;
    for parent in parents {
        let path = parent.join(name);
        match (node(&path)?, &mut found) {
            (None, _) => {}
            (Some(Node::Whiteout), _) => break,
            (Some(Node::Entry(entry)), None) => {
                let last = !entry.is_directory() || is_opaque(&path)?;
                found = Some(Merged { entry, sources: vec![path] });
                if last {
                    break;
                }
            }
            (Some(Node::Entry(entry)), Some(merged)) => {
                if !entry.is_directory() {
                    break;
                }
                let last = is_opaque(&path)?;
                merged.sources.push(path);
                if last {
                    break;
                }
            }
        }
    }
    Ok(found)
}

impl Tree for Layers {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(self.merged(path)?.map(|merged| merged.entry))
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let merged = self.merged(path)?.ok_or(io::ErrorKind::NotFound)?;
        let mut names = BTreeMap::new();
        for source in &merged.sources {
            for child in fs::read_dir(source)? {
                names.entry(child?.file_name()).or_insert(());
            }
        }
        let mut children = Vec::with_capacity(names.len());
        for name in names.into_keys() {
            if let Some(found) = child(&merged.sources, name.as_ref())? {
                children.push((name, found.entry));
            }
        }
        Ok(children)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let located = self.locate(path)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(fs::File::open(located)?))
    }
}
