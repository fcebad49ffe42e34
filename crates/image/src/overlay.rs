//! Unpacked layers: directories in the form that overlayfs mounts.
//!
//! What a directory on disk cannot say is written beside it: a deleted name is a character device 0/0 (or, where the store
//! lies on an overlay itself, which refuses those, an empty file with an attribute), an opaque directory
//! has an attribute (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"), and an owner or device
//! node that a user namespace cannot make stands in an attribute of ours.

mod layers;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::Path,
};

use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, major, minor};

use crate::tree::{Entry, Kind};

pub(crate) use notes_sandbox::changes::{WHITEOUT_ATTRIBUTE as WHITEOUT, is_whiteout};

pub use layers::Layers;
pub(crate) use layers::{Merged, child};

/// The attribute of an opaque directory: root's, and that of a mount in a user namespace (`userxattr`).
pub(crate) const OPAQUE: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];
/// `uid:gid` of an entry whose owner does not exist in the user namespace.
pub(crate) const OWNER: &str = "user.notes.owner";
/// `c:major:minor` or `b:major:minor` of an empty file that stands for a device node.
pub(crate) const DEVICE: &str = "user.notes.device";

/// What a name in an unpacked layer means.
#[derive(Debug)]
pub(crate) enum Node {
    /// The name is deleted from the layers below.
    Whiteout,
    /// Something stands here.
    Entry(Entry),
}

/// Returns what stands at `path` on disk; `None` where there is nothing, or nothing that an image can hold.
pub(crate) fn node(path: &Path) -> io::Result<Option<Node>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // Below a file there is nothing.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let kind = metadata.file_type();
    if is_whiteout(path, &metadata)? {
        return Ok(Some(Node::Whiteout));
    }
    let device = (major(metadata.rdev()), minor(metadata.rdev()));
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        Kind::File(metadata.len())
    } else if kind.is_symlink() {
        Kind::Symlink(fs::read_link(path)?)
    } else if kind.is_char_device() {
        Kind::Character { major: device.0, minor: device.1 }
    } else if kind.is_block_device() {
        Kind::Block { major: device.0, minor: device.1 }
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        // A socket is a running process's, no part of an image.
        return Ok(None);
    };
    let mut entry = Entry {
        uid: metadata.uid(),
        gid: metadata.gid(),
        modified: Some(metadata.mtime()),
        inode: (metadata.nlink() > 1 && !matches!(kind, Kind::Directory))
            .then(|| (metadata.dev(), metadata.ino())),
        ..Entry::new(kind, metadata.mode() & 0o7777)
    };
    // The kernel allows user attributes on files and directories alone (xattr(7)).
    if matches!(entry.kind, Kind::File(_) | Kind::Directory) {
        read_attributes(path, &mut entry)?;
    }
    Ok(Some(Node::Entry(entry)))
}

/// Reads the attributes that belong into an image, and applies those of ours.
fn read_attributes(path: &Path, entry: &mut Entry) -> io::Result<()> {
    let mut xattrs = BTreeMap::new();
    for name in names(path)? {
        let Some(kept) = Attribute::of(&name) else { continue };
        let Some(value) = xattr::get(path, &name)? else { continue };
        match kept {
            Attribute::Image => {
                xattrs.insert(name, value);
            }
            Attribute::Owner => (entry.uid, entry.gid) = parse_owner(&value)?,
            Attribute::Device => entry.kind = parse_device(&value)?,
        }
    }
    entry.xattrs = xattrs;
    Ok(())
}

fn names(path: &Path) -> io::Result<Vec<OsString>> {
    match xattr::list(path) {
        Ok(names) => Ok(names.collect()),
        // A file system without attributes.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What an extended attribute is to us.
enum Attribute {
    Image,
    Owner,
    Device,
}

impl Attribute {
    /// Capabilities and the user's own travel with an image; labels of this machine and overlayfs's books do not.
    fn of(name: &OsStr) -> Option<Self> {
        let bytes = name.as_bytes();
        if name == OWNER {
            Some(Self::Owner)
        } else if name == DEVICE {
            Some(Self::Device)
        } else if name == "security.capability"
            || (bytes.starts_with(b"user.") && !bytes.starts_with(b"user.overlay."))
        {
            Some(Self::Image)
        } else {
            None
        }
    }
}

fn malformed(value: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(value).into_owned();
    io::Error::new(io::ErrorKind::InvalidData, format!("`{text}` is not what the store writes"))
}

fn parse_owner(value: &[u8]) -> io::Result<(u32, u32)> {
    let text = str::from_utf8(value).map_err(|_| malformed(value))?;
    let (uid, gid) = text.split_once(':').ok_or_else(|| malformed(value))?;
    let number = |text: &str| text.parse().map_err(|_| malformed(value));
    Ok((number(uid)?, number(gid)?))
}

fn parse_device(value: &[u8]) -> io::Result<Kind> {
    let text = str::from_utf8(value).map_err(|_| malformed(value))?;
    let (kind, numbers) = text.split_once(':').ok_or_else(|| malformed(value))?;
    let (major, minor) = parse_owner(numbers.as_bytes())?;
    match kind {
        "c" => Ok(Kind::Character { major, minor }),
        "b" => Ok(Kind::Block { major, minor }),
        _ => Err(malformed(value)),
    }
}

/// Tells whether an attribute is a file's own and may stand in a layer.
pub(crate) fn is_of_image(name: &OsStr) -> bool {
    matches!(Attribute::of(name), Some(Attribute::Image))
}

/// Tells whether the directory `path` hides what lower layers have in it.
pub(crate) fn is_opaque(path: &Path) -> io::Result<bool> {
    for name in OPAQUE {
        match xattr::get(path, name) {
            Ok(Some(value)) if value == b"y" => return Ok(true),
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Tells whether this process can make a directory opaque in root's way, by trying it in `directory`.
pub(crate) fn may_trust(directory: &Path) -> io::Result<bool> {
    let trial = tempfile::tempdir_in(directory)?;
    Ok(xattr::set(trial.path(), OPAQUE[0], b"y").is_ok())
}

/// Sets the modification time of `path` itself.
pub(crate) fn set_modified(path: &Path, seconds: i64) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 },
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::utimensat(rustix::fs::CWD, path, &times, flags)?)
}
