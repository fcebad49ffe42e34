//! A tree in a tar archive.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::Error;
use crate::{
    snapshot::body,
    tar::{Attributes, Body, Writer},
    tree::{Entry, Tree},
};

/// Appends all of `tree` to `archive`, below `prefix`, sorted: with owners, modes, times, attributes and hard links.
///
/// The root itself is no entry; the directories of `prefix` are.
///
/// # Examples
///
/// ```
/// use notes_image::{context::Listing, export, tar::Writer};
///
/// let tree = Listing::default().with_file("etc/motd", "hello\n");
/// let mut archive = Writer::new(Vec::new());
/// export::archive(&tree, "".as_ref(), &mut archive)?;
/// assert_eq!(archive.entries(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn archive<W: Write>(
    tree: &dyn Tree,
    prefix: &Path,
    archive: &mut Writer<W>,
) -> Result<(), Error> {
    let directory = Entry::directory();
    let ancestors: Vec<_> = prefix.ancestors().filter(|path| *path != Path::new("")).collect();
    for path in ancestors.into_iter().rev() {
        archive
            .append(path, &attributes(&directory), &Body::Directory, &mut io::empty())
            .map_err(|source| Error::Write { path: path.into(), source })?;
    }
    Archiving { tree, prefix, archive, inodes: HashMap::new() }.directory(Path::new(""))
}

struct Archiving<'a, W> {
    tree: &'a dyn Tree,
    prefix: &'a Path,
    archive: &'a mut Writer<W>,
    /// The first name of each file that has several.
    inodes: HashMap<(u64, u64), PathBuf>,
}

impl<W: Write> Archiving<'_, W> {
    fn directory(&mut self, path: &Path) -> Result<(), Error> {
        let children = self.tree.children(path);
        let children = children.map_err(|source| Error::Read { path: path.into(), source })?;
        for (name, entry) in children {
            let path = path.join(name);
            self.entry(&path, &entry)?;
            if entry.is_directory() {
                self.directory(&path)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, entry: &Entry) -> Result<(), Error> {
        let name = self.prefix.join(path);
        let body = match entry.inode.and_then(|inode| self.inodes.get(&inode)) {
            Some(first) => Body::HardLink(first.clone()),
            None => body(&entry.kind),
        };
        if let Some(inode) = entry.inode {
            self.inodes.entry(inode).or_insert_with(|| name.clone());
        }
        let mut content: Box<dyn Read> = match body {
            Body::File(size) if size > 0 => {
                let opened = self.tree.open(path);
                opened.map_err(|source| Error::Read { path: path.into(), source })?
            }
            _ => Box::new(io::empty()),
        };
        self.archive
            .append(&name, &attributes(entry), &body, &mut content)
            .map_err(|source| Error::Write { path: path.into(), source })
    }
}

fn attributes(entry: &Entry) -> Attributes {
    Attributes {
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        modified: entry.modified.unwrap_or_default(),
        xattrs: entry.xattrs.clone(),
    }
}
