//! The directory a layer is unpacked into, as a jail.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, Dev, FileType, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid,
        XattrFlags, chmodat, chownat, fsetxattr, linkat, makedev, mkdirat, mknodat, openat, statat,
        symlinkat, unlinkat, utimensat,
    },
    io::Errno,
};

use super::{entry::Record, set_opaque};
use crate::{
    overlay,
    tar::{Attributes, Body},
};

/// A directory below which entries are written. It remembers the last parent, because archives are sorted.
pub(super) struct Root {
    root: OwnedFd,
    parent: Option<(PathBuf, OwnedFd)>,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(path, flags, Mode::empty())?, parent: None })
    }

    /// Opens the directory `path` inside the root, links on the way followed inside it.
    fn directory(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        notes_sandbox::open_in_root(&self.root, path, flags)
    }

    /// Makes the directories on the way to `path` that the archive did not name: 0755, as every other tool does.
    fn make_directories(&self, path: &Path) -> io::Result<OwnedFd> {
        match self.directory(path) {
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            other => return Ok(other?),
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let parent = self.make_directories(parent)?;
        remove(&parent, name)?;
        mkdirat(&parent, name, Mode::from(0o755))?;
        chmodat(&parent, name, Mode::from(0o755), AtFlags::empty())?;
        Ok(self.directory(path)?)
    }

    fn parent(&mut self, path: &Path) -> io::Result<&OwnedFd> {
        let opened = match self.parent.take() {
            Some((known, opened)) if known == path => opened,
            _ => self.make_directories(path)?,
        };
        Ok(&self.parent.insert((path.into(), opened)).1)
    }

    pub(super) fn write(
        &mut self,
        parent: &Path,
        name: &OsStr,
        record: &Record,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        if let Some(target) = record.hard_link() {
            return self.link(parent, name, target);
        }
        let directory = self.parent(parent)?;
        match &record.body {
            Body::Directory => return make_directory(directory, name, &record.attributes),
            Body::File(_) => return write_file(directory, name, &record.attributes, content),
            _ => remove(directory, name)?,
        }
        match &record.body {
            Body::Symlink(target) => symlinkat(target, directory, name)?,
            Body::Fifo => {
                mknodat(directory, name, FileType::Fifo, Mode::from(0o600), 0)?;
            }
            Body::Character { major, minor } => {
                let device = Device { kind: 'c', major: *major, minor: *minor };
                return device.make(directory, name, &record.attributes);
            }
            Body::Block { major, minor } => {
                let device = Device { kind: 'b', major: *major, minor: *minor };
                return device.make(directory, name, &record.attributes);
            }
            Body::Directory | Body::File(_) | Body::HardLink(_) => unreachable!("written above"),
        }
        set_plain(directory, name, &record.attributes, &record.body)
    }

    fn link(&mut self, parent: &Path, name: &OsStr, target: &Path) -> io::Result<()> {
        let (Some(target_name), target_parent) = (target.file_name(), target.parent()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let from = self.directory(target_parent.unwrap_or(Path::new("")))?;
        let to = self.parent(parent)?;
        remove(to, name)?;
        Ok(linkat(&from, target_name, to, name, AtFlags::empty())?)
    }

    /// Hides `name` of the layers below.
    pub(super) fn white_out(&mut self, parent: &Path, name: &OsStr) -> io::Result<()> {
        let directory = self.parent(parent)?;
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            // This layer puts something in its place: it hides what is below, a directory with all it holds.
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                set_opaque(&open_directory(directory, name)?)
            }
            Ok(_) => Ok(()),
            Err(Errno::NOENT) => mark_deleted(directory, name),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn make_opaque(&mut self, path: &Path) -> io::Result<()> {
        set_opaque(&File::from(self.make_directories(path)?))
    }

    pub(super) fn set_attributes_of_root(&self, attributes: &Attributes) -> io::Result<()> {
        set_of_open(&File::from(self.root.try_clone()?), attributes)
    }

    pub(super) fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        let directory = match self.directory(path) {
            // Replaced by something else later in the archive.
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            other => other?,
        };
        Ok(rustix::fs::futimens(directory, &times(seconds))?)
    }
}

const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

fn times(seconds: i64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 },
    }
}

fn open_directory(parent: &OwnedFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(parent, name, flags, Mode::empty())?))
}

/// Removes what is at `name`: a later entry of an archive replaces an earlier one.
fn remove(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        // NB: only an empty directory; an archive that replaces a full one by a file is malformed.
        Err(Errno::ISDIR) => Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?),
        Err(error) => Err(error.into()),
    }
}

/// Makes a whiteout, where nothing is.
fn mark_deleted(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let none: Dev = makedev(0, 0);
    match mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), none) {
        // An overlay has whiteouts of its own, and lets nobody make one (fs/overlayfs/dir.c, `ovl_mknod`).
        Err(Errno::PERM) => {
            let file = openat(parent, name, NEW_FILE, Mode::from(0o600))?;
            Ok(fsetxattr(file, overlay::WHITEOUT, b"y", XattrFlags::empty())?)
        }
        other => Ok(other?),
    }
}

/// Tells whether an empty file is a whiteout.
fn is_marked(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::empty())?;
    match rustix::fs::fgetxattr(file, overlay::WHITEOUT, &mut [0; 1]) {
        Ok(_) => Ok(true),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn make_directory(parent: &OwnedFd, name: &OsStr, attributes: &Attributes) -> io::Result<()> {
    let replaced = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => return set_of_open(&open_directory(parent, name)?, attributes),
            FileType::CharacterDevice => found.st_rdev == 0,
            FileType::RegularFile if found.st_size == 0 => is_marked(parent, name)?,
            _ => false,
        },
        Err(_) => false,
    };
    remove(parent, name)?;
    mkdirat(parent, name, Mode::from(0o700))?;
    let directory = open_directory(parent, name)?;
    if replaced {
        set_opaque(&directory)?;
    }
    set_of_open(&directory, attributes)
}

fn write_file(
    parent: &OwnedFd,
    name: &OsStr,
    attributes: &Attributes,
    content: &mut dyn Read,
) -> io::Result<()> {
    remove(parent, name)?;
    let mut file = File::from(openat(parent, name, NEW_FILE, Mode::from(0o600))?);
    io::copy(content, &mut file)?;
    set_of_open(&file, attributes)?;
    Ok(rustix::fs::futimens(&file, &times(attributes.modified))?)
}

/// Sets owner, attributes and mode of an open file or directory. The mode comes last: changing the owner clears
/// set-user-id, and changing either clears `security.capability`, which is why that one is set in between.
fn set_of_open(file: &File, attributes: &Attributes) -> io::Result<()> {
    let owner = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
    match rustix::fs::fchown(file, Some(owner.0), Some(owner.1)) {
        Ok(()) => {}
        // The user namespace has no such id: keep it in writing.
        Err(Errno::INVAL | Errno::PERM) => {
            let text = format!("{}:{}", attributes.uid, attributes.gid);
            fsetxattr(file, overlay::OWNER, text.as_bytes(), XattrFlags::empty())?;
        }
        Err(error) => return Err(error.into()),
    }
    rustix::fs::fchmod(file, Mode::from(attributes.mode))?;
    // What an archive says in our own books' names is no news to them.
    for (name, value) in attributes.xattrs.iter().filter(|(name, _)| overlay::is_of_image(name)) {
        match fsetxattr(file, name, value, XattrFlags::empty()) {
            // Labels of another machine's security module, and file systems without attributes.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sets owner, mode and time of what cannot be opened for that: a link or a pipe.
fn set_plain(
    parent: &OwnedFd,
    name: &OsStr,
    attributes: &Attributes,
    body: &Body,
) -> io::Result<()> {
    let owner = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
    match chownat(parent, name, Some(owner.0), Some(owner.1), AtFlags::SYMLINK_NOFOLLOW) {
        // NB: links and pipes take no user attributes, so that a single-id namespace loses their owner.
        Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    if !matches!(body, Body::Symlink(_)) {
        chmodat(parent, name, Mode::from(attributes.mode), AtFlags::empty())?;
    }
    Ok(utimensat(parent, name, &times(attributes.modified), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// A device node.
struct Device {
    kind: char,
    major: u32,
    minor: u32,
}

impl Device {
    fn make(&self, parent: &OwnedFd, name: &OsStr, attributes: &Attributes) -> io::Result<()> {
        let kind = if self.kind == 'c' { FileType::CharacterDevice } else { FileType::BlockDevice };
        let device = makedev(self.major, self.minor);
        match mknodat(parent, name, kind, Mode::from(0o600), device) {
            Ok(()) => {
                let body = Body::Character { major: self.major, minor: self.minor };
                set_plain(parent, name, attributes, &body)
            }
            // A user namespace may not make device nodes: keep it in writing.
            Err(Errno::PERM) => {
                write_file(parent, name, attributes, &mut io::empty())?;
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(parent, name, flags, Mode::empty())?;
                let text = format!("{}:{}:{}", self.kind, self.major, self.minor);
                Ok(fsetxattr(file, overlay::DEVICE, text.as_bytes(), XattrFlags::empty())?)
            }
            Err(error) => Err(error.into()),
        }
    }
}
