//! What a command changed, as a reproducible layer.

mod same;

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use notes_sandbox::changes::white_out;

use crate::{
    overlay::{self, Merged, Node},
    pack::Packer,
    tar::{self, Attributes, Body},
    tree::{Entry, Kind},
};

/// Writes the upper directory of an overlay over `lowers`, bottom first, into a layer, sorted, and sets times after
/// `latest` to it, in the layer and on disk: whoever mounts the directory next sees exactly what a reader of the layer will.
///
/// The layer depends on the files before and after alone, and not on how the one became the other or who watched it: a file
/// that an overlay copied up and nobody changed is left out, and a directory that was removed and made again is a directory
/// in which some names are gone. So every rung of isolation makes the same layer.
///
/// The root's own entry is left out: an image that sets its mode does so on purpose in a base, and a directory that was
/// made for a build must not speak for it.
pub fn snapshot(
    upper: &Path,
    lowers: &[PathBuf],
    latest: i64,
    packer: &mut Packer,
) -> io::Result<()> {
    let below = Below { sources: lowers.iter().rev().cloned().collect(), shown: Shown::Merged };
    let snapshot = Snapshot { upper, latest, packer, inodes: HashMap::new(), around: Vec::new() };
    snapshot.into_layer(&below)
}

/// What lower layers have in a directory.
struct Below {
    /// The directories that are merged, the top one first.
    sources: Vec<PathBuf>,
    shown: Shown,
}

/// Whether names of lower layers show through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Merged,
    /// The directory in the upper layer, or one around it, is opaque.
    Hidden,
}

impl Below {
    fn nothing() -> Self {
        Self { sources: Vec::new(), shown: Shown::Merged }
    }
}

struct Snapshot<'a> {
    upper: &'a Path,
    latest: i64,
    packer: &'a mut Packer,
    /// The first name of each file that has several.
    inodes: HashMap<(u64, u64), PathBuf>,
    /// The unchanged directories around what is looked at, not written yet: they are when something in them is.
    around: Vec<(PathBuf, Attributes)>,
}

impl Snapshot<'_> {
    fn into_layer(mut self, below: &Below) -> io::Result<()> {
        self.directory(Path::new(""), below)
    }

    fn directory(&mut self, path: &Path, below: &Below) -> io::Result<()> {
        let mut names = names(&self.upper.join(path))?;
        if below.shown == Shown::Hidden {
            for source in &below.sources {
                names.extend(self::names(source)?);
            }
        }
        for name in names {
            self.name(&path.join(&name), &name, below)?;
        }
        Ok(())
    }

    fn name(&mut self, path: &Path, name: &OsString, below: &Below) -> io::Result<()> {
        let on_disk = self.upper.join(path);
        let before = overlay::child(&below.sources, name.as_ref())?;
        match overlay::node(&on_disk)? {
            Some(Node::Entry(entry)) => {
                return self.entry(path, &on_disk, entry, before, below.shown);
            }
            Some(Node::Whiteout) => {}
            None => drop_socket(&on_disk, before.as_ref())?,
        }
        if before.is_some() { self.whiteout(path) } else { Ok(()) }
    }

    fn whiteout(&mut self, path: &Path) -> io::Result<()> {
        let mut name = OsString::from(tar::WHITEOUT);
        name.push(path.file_name().unwrap_or_default());
        let attributes = Attributes { mode: 0o644, modified: self.latest, ..Attributes::default() };
        self.write_around()?;
        self.packer.append(
            &path.with_file_name(name),
            &attributes,
            &Body::File(0),
            &mut io::empty(),
        )
    }

    fn entry(
        &mut self,
        path: &Path,
        on_disk: &Path,
        entry: Entry,
        before: Option<Merged>,
        shown: Shown,
    ) -> io::Result<()> {
        let modified = entry.modified.unwrap_or(self.latest).min(self.latest);
        let unchanged = match &before {
            Some(before) => same::is_same(before, &entry, on_disk)?,
            None => false,
        };
        if entry.kind == Kind::Directory {
            let below = match before {
                Some(Merged { entry: before, sources }) if before.is_directory() => {
                    let hidden = shown == Shown::Hidden || overlay::is_opaque(on_disk)?;
                    Below { sources, shown: if hidden { Shown::Hidden } else { Shown::Merged } }
                }
                _ => Below::nothing(),
            };
            let attributes = attributes(entry, modified);
            self.around.push((path.into(), attributes));
            if !unchanged {
                self.write_around()?;
            }
            self.directory(path, &below)?;
            self.around.pop_if(|(around, _)| around == path);
        } else if !unchanged {
            self.write_around()?;
            self.write(path, on_disk, entry, modified)?;
        }
        // After the children, though nothing here writes to the directory: whole seconds, as the layer has them.
        overlay::set_modified(on_disk, modified)
    }

    /// Writes the directories around the next entry.
    fn write_around(&mut self) -> io::Result<()> {
        for (path, attributes) in self.around.drain(..) {
            self.packer.append(&path, &attributes, &Body::Directory, &mut io::empty())?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        path: &Path,
        on_disk: &Path,
        entry: Entry,
        modified: i64,
    ) -> io::Result<()> {
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
        self.packer.append(path, &attributes(entry, modified), &body, &mut content)
    }
}

/// Removes the socket that may be at `path`: no image holds one, so that the next step must not see it either.
fn drop_socket(path: &Path, before: Option<&Merged>) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) if before.is_some() => white_out(path),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn names(directory: &Path) -> io::Result<BTreeSet<OsString>> {
    fs::read_dir(directory)?.map(|child| Ok(child?.file_name())).collect()
}

fn attributes(entry: Entry, modified: i64) -> Attributes {
    let Entry { mode, uid, gid, xattrs, .. } = entry;
    Attributes { mode, uid, gid, modified, xattrs }
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
