//! What a command changed, as a reproducible layer.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    overlay::{self, Node},
    pack::Packer,
    tar::{self, Attributes, Body},
    tree::{Entry, Kind},
};

/// Writes the upper directory of an overlay into a layer, sorted, and sets times after `latest` to it, in the layer and on
/// disk: whoever mounts the directory next sees exactly what a reader of the layer will.
///
/// The root's own entry is left out: an image that sets its mode does so on purpose in a base, and a directory that was
/// made for a build must not speak for it.
pub fn snapshot(upper: &Path, latest: i64, packer: &mut Packer) -> io::Result<()> {
    Snapshot { upper, latest, packer, inodes: HashMap::new() }.directory(Path::new(""))
}

struct Snapshot<'a> {
    upper: &'a Path,
    latest: i64,
    packer: &'a mut Packer,
    /// The first name of each file that has several.
    inodes: HashMap<(u64, u64), PathBuf>,
}

impl Snapshot<'_> {
    fn directory(&mut self, path: &Path) -> io::Result<()> {
        let mut names = Vec::new();
        for child in fs::read_dir(self.upper.join(path))? {
            names.push(child?.file_name());
        }
        names.sort_unstable();
        for name in names {
            self.name(&path.join(name))?;
        }
        Ok(())
    }

    fn name(&mut self, path: &Path) -> io::Result<()> {
        let on_disk = self.upper.join(path);
        match overlay::node(&on_disk)? {
            None => Ok(()),
            Some(Node::Whiteout) => self.whiteout(path),
            Some(Node::Entry(entry)) => self.entry(path, &on_disk, entry),
        }
    }

    fn whiteout(&mut self, path: &Path) -> io::Result<()> {
        let mut name = std::ffi::OsString::from(tar::WHITEOUT);
        name.push(path.file_name().unwrap_or_default());
        self.marker(&path.with_file_name(name))
    }

    /// Writes one of the empty files that speak about names of lower layers.
    fn marker(&mut self, path: &Path) -> io::Result<()> {
        let attributes = Attributes { mode: 0o644, modified: self.latest, ..Attributes::default() };
        self.packer.append(path, &attributes, &Body::File(0), &mut io::empty())
    }

    fn entry(&mut self, path: &Path, on_disk: &Path, entry: Entry) -> io::Result<()> {
        let modified = entry.modified.unwrap_or(self.latest).min(self.latest);
        let attributes = Attributes {
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            modified,
            xattrs: entry.xattrs,
        };
        let body = match (&entry.kind, entry.inode.and_then(|inode| self.inodes.get(&inode))) {
            (_, Some(first)) => Body::HardLink(first.clone()),
            (kind, None) => body(kind),
        };
        if let Some(inode) = entry.inode {
            self.inodes.entry(inode).or_insert_with(|| path.into());
        }
        let mut content: Box<dyn Read> = match body {
            Body::File(size) if size > 0 => Box::new(fs::File::open(on_disk)?),
            _ => Box::new(io::empty()),
        };
        self.packer.append(path, &attributes, &body, &mut content)?;
        if entry.kind == Kind::Directory {
            if overlay::is_opaque(on_disk)? {
                self.marker(&path.join(tar::OPAQUE))?;
            }
            self.directory(path)?;
        }
        // After the children, though nothing here writes to the directory: whole seconds, as the layer has them.
        overlay::set_modified(on_disk, modified)
    }
}

/// Returns the body of an entry that is no further name of another.
pub(crate) fn body(kind: &Kind) -> Body {
    match kind {
        Kind::Directory => Body::Directory,
        Kind::File(size) => Body::File(*size),
        Kind::Symlink(target) => Body::Symlink(target.clone()),
        Kind::Character { major, minor } => Body::Character { major: *major, minor: *minor },
        Kind::Block { major, minor } => Body::Block { major: *major, minor: *minor },
        Kind::Fifo => Body::Fifo,
    }
}
