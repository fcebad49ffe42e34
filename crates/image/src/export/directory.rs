//! A tree in a directory of this machine.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, XattrFlags, chmodat,
        fchmod, fsetxattr, futimens, linkat, makedev, mkdirat, mknodat, openat, symlinkat,
        unlinkat, utimensat,
    },
    io::Errno,
};

use super::Error;
use crate::tree::{Entry, Kind, Tree};

/// Writes all of `tree` into the directory `target`, which is made if it is not there. What stands there under the same
/// names is replaced, other files stay, and directories merge: as docker's local exporter does it.
///
/// Modes, times, attributes and hard links are those of the tree; everything belongs to the caller, who may not be allowed
/// to give files away. No link in `target` is followed, so nothing outside of it changes.
///
/// # Examples
///
/// ```
/// use notes_image::{context::Listing, export};
///
/// let target = tempfile::tempdir()?;
/// let tree = Listing::default().with_file("etc/motd", "hello\n");
/// export::directory(&tree, target.path())?;
/// assert_eq!(std::fs::read_to_string(target.path().join("etc/motd"))?, "hello\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory(tree: &dyn Tree, target: &Path) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Write { path: target.into(), source };
    fs::create_dir_all(target).map_err(failed)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root =
        rustix::fs::open(target, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    Filling { tree, root: &root, inodes: HashMap::new() }.directory(Path::new(""), &root)
}

struct Filling<'a> {
    tree: &'a dyn Tree,
    root: &'a OwnedFd,
    /// The first name of each file that has several.
    inodes: HashMap<(u64, u64), PathBuf>,
}

impl Filling<'_> {
    fn directory(&mut self, path: &Path, opened: &OwnedFd) -> Result<(), Error> {
        let children = self.tree.children(path);
        let children = children.map_err(|source| Error::Read { path: path.into(), source })?;
        for (name, entry) in children {
            let path = path.join(&name);
            let failed = |source: io::Error| Error::Write { path: path.clone(), source };
            if entry.is_directory() {
                let child = make_directory(opened, &name).map_err(failed)?;
                self.directory(&path, &child)?;
                // After what is in it: writing into a directory changes its time.
                finish(child.as_fd(), &entry).map_err(failed)?;
            } else {
                self.entry(&path, opened, &name, &entry)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &Path,
        parent: &OwnedFd,
        name: &OsStr,
        entry: &Entry,
    ) -> Result<(), Error> {
        let failed = |error: io::Error| Error::Write { path: path.into(), source: error };
        remove(parent, name).map_err(failed)?;
        if let Some(inode) = entry.inode {
            if let Some(first) = self.inodes.get(&inode) {
                let linked = linkat(self.root, first, parent, name, AtFlags::empty());
                return linked.map_err(|error| failed(error.into()));
            }
            self.inodes.insert(inode, path.into());
        }
        match &entry.kind {
            Kind::File(_) => {
                let content = self.tree.open(path);
                let mut content =
                    content.map_err(|source| Error::Read { path: path.into(), source })?;
                write_file(parent, name, entry, &mut content).map_err(failed)
            }
            Kind::Symlink(target) => symlinkat(target, parent, name)
                .and_then(|()| utimensat(parent, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW))
                .map_err(|error| failed(error.into())),
            kind => match make_node(parent, name, kind, entry) {
                Err(Errno::PERM) => Err(Error::Device { path: path.into() }),
                other => other.map_err(|error| failed(error.into())),
            },
        }
    }
}

/// Opens the directory `name`, made if there is none, in the place of whatever else is there.
fn make_directory(parent: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(opened) => return Ok(opened),
        Err(Errno::NOENT) => {}
        Err(Errno::NOTDIR | Errno::LOOP) => unlinkat(parent, name, AtFlags::empty())?,
        Err(error) => return Err(error.into()),
    }
    mkdirat(parent, name, Mode::from(0o700))?;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

fn write_file(
    parent: &OwnedFd,
    name: &OsStr,
    entry: &Entry,
    content: &mut dyn io::Read,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(parent, name, flags, Mode::from(0o600))?);
    io::copy(content, &mut file)?;
    finish(file.as_fd(), entry)
}

fn make_node(parent: &OwnedFd, name: &OsStr, kind: &Kind, entry: &Entry) -> rustix::io::Result<()> {
    let (kind, device) = match kind {
        Kind::Character { major, minor } => (FileType::CharacterDevice, makedev(*major, *minor)),
        Kind::Block { major, minor } => (FileType::BlockDevice, makedev(*major, *minor)),
        _ => (FileType::Fifo, 0),
    };
    mknodat(parent, name, kind, Mode::from(0o600), device)?;
    chmodat(parent, name, Mode::from(entry.mode), AtFlags::empty())?;
    utimensat(parent, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
}

/// Sets attributes, mode and time.
fn finish(opened: impl AsFd, entry: &Entry) -> io::Result<()> {
    for (name, value) in &entry.xattrs {
        match fsetxattr(&opened, name, value, XattrFlags::empty()) {
            // A file system without attributes, and capabilities that an ordinary user may not give.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    fchmod(&opened, Mode::from(entry.mode))?;
    Ok(futimens(&opened, &times(entry))?)
}

fn times(entry: &Entry) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: entry.modified.unwrap_or_default(), tv_nsec: 0 },
    }
}

/// Removes what is in the way; a directory is not removed with what is in it.
fn remove(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?),
        Err(error) => Err(error.into()),
    }
}
