//! What a command changed, read from the upper directory of an overlay.
//!
//! # Overlay form
//!
//! The directories that [`Root`](crate::Root) takes and gives hold layers as overlayfs has them
//! (<https://docs.kernel.org/filesystems/overlayfs.html>):
//!
//! - a file as itself, with its owner, mode, times and extended attributes;
//! - a removed entry as a **whiteout**, a character device 0/0 (which ordinary users may make, too), or,
//!   on a file system that is itself an overlay and refuses those, an empty file with the attribute
//!   [`WHITEOUT_ATTRIBUTE`];
//! - a directory that hides everything below it in lower layers as a directory with the extended
//!   attribute `trusted.overlay.opaque` or, mounted inside a user namespace, `user.overlay.opaque`,
//!   of value `y`. Both are read; one that unpacks a layer writes the one of [`opaque_attribute`].
//!
//! With a [single user id](crate::Ids::Single) no file can have another owner than 0. One that unpacks
//! a layer there may record the owner a file should have as `uid:gid` in the extended attribute
//! [`OWNER_ATTRIBUTE`]; the kernel carries it along when a command changes the file, and one that
//! packs a layer reads it back. So does the sandbox for a command that gives a file to somebody, or
//! becomes somebody and makes one.
//!
//! ```
//! use notes_sandbox::changes::{Kind, changes};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let (lower, upper) = (directory.path().join("lower"), directory.path().join("upper"));
//! # std::fs::create_dir(&lower)?;
//! # std::fs::create_dir(&upper)?;
//! std::fs::write(lower.join("greeting"), "hello")?;
//! std::fs::write(upper.join("greeting"), "good day")?;
//! let changes = changes(&upper, &[lower])?;
//! assert_eq!(changes[0].path.to_str(), Some("greeting"));
//! assert_eq!(changes[0].kind, Kind::Changed);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::io::Errno;

use crate::ids::Ids;

/// The extended attribute that records a file's owner as `uid:gid` where it cannot be given.
pub const OWNER_ATTRIBUTE: &str = "user.notes.owner";

/// The extended attribute of an empty file that stands for a whiteout.
pub const WHITEOUT_ATTRIBUTE: &str = "user.overlay.whiteout";

const OPAQUE: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];

/// One entry of an upper directory.
#[derive(Debug, Clone)]
pub struct Change {
    /// The path inside the root file system, without leading `/`.
    pub path: PathBuf,
    /// What happened.
    pub kind: Kind,
    /// The metadata of the entry in the upper directory (of the whiteout for a removed one).
    pub metadata: Metadata,
    /// The first entry in the list that is the same file (a hard link), for all but that one.
    pub link: Option<PathBuf>,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was not there before.
    Added,
    /// It was there, and content or metadata are new. A directory is here too when only something
    /// below it changed.
    Changed,
    /// It is a directory in place of something that was there; nothing of that shows through.
    Replaced,
    /// It is gone.
    Removed,
}

/// The error returned when an upper directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read `{}`", path.display())]
pub struct ReadError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub source: io::Error,
}

/// Lists the entries of `upper`, compared with the layers below it (the bottom one first).
///
/// A directory comes before what is in it, and names of one directory in the order of their bytes:
/// the order depends on nothing but the names. Removals of what `lowers` do not have are left out.
/// The root directory itself is not an entry.
///
/// # Errors
///
/// When a file or directory of either side cannot be read.
pub fn changes(upper: &Path, lowers: &[PathBuf]) -> Result<Vec<Change>, ReadError> {
    let mut walk = Walk::default();
    let lowers: Vec<PathBuf> = lowers.iter().rev().cloned().collect();
    walk.directory(upper, Path::new(""), &lowers)?;
    Ok(walk.changes)
}

/// Says whether an extended attribute is overlayfs's or the sandbox's own and has no place in a
/// layer.
pub fn is_bookkeeping(attribute: &OsStr) -> bool {
    let name = attribute.as_encoded_bytes();
    name.starts_with(b"trusted.overlay.")
        || name.starts_with(b"user.overlay.")
        || attribute == OWNER_ATTRIBUTE
}

/// Returns the extended attribute that makes a directory opaque to the overlays of a process with
/// these ids; its value is `y`.
pub fn opaque_attribute(ids: &Ids) -> &'static str {
    match ids {
        Ids::All => OPAQUE[0],
        Ids::Ranges { .. } | Ids::Single => OPAQUE[1],
    }
}

/// Says whether an entry is a whiteout, in either form.
///
/// # Errors
///
/// When its extended attributes cannot be read.
pub fn is_whiteout(path: &Path, metadata: &Metadata) -> io::Result<bool> {
    let kind = metadata.file_type();
    if kind.is_char_device() {
        return Ok(metadata.rdev() == 0);
    }
    if !kind.is_file() || metadata.len() > 0 {
        return Ok(false);
    }
    match xattr::get(path, WHITEOUT_ATTRIBUTE) {
        Ok(value) => Ok(value.is_some()),
        Err(error) if is_unsupported(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a whiteout at `path`, where nothing is.
///
/// # Errors
///
/// When the file system takes neither form.
pub fn white_out(path: &Path) -> io::Result<()> {
    let (kind, none) = (FileType::CharacterDevice, makedev(0, 0));
    match mknodat(CWD, path, kind, Mode::empty(), none) {
        Err(Errno::PERM) => {
            fs::File::create_new(path)?;
            xattr::set(path, WHITEOUT_ATTRIBUTE, b"y")
        }
        other => Ok(other?),
    }
}

/// Says whether a directory hides what is below it in lower layers.
///
/// # Errors
///
/// When its extended attributes cannot be read.
pub fn is_opaque(directory: &Path) -> io::Result<bool> {
    for name in OPAQUE {
        match xattr::get(directory, name) {
            Ok(Some(value)) if value == b"y" => return Ok(true),
            Ok(_) => {}
            // `trusted.` is not even listed to a process without the right to it, and a file system
            // without extended attributes has no opaque directories.
            Err(error) if is_unsupported(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EOPNOTSUPP | libc::ENODATA))
}

#[derive(Debug, Default)]
struct Walk {
    changes: Vec<Change>,
    links: BTreeMap<(u64, u64), PathBuf>,
}

impl Walk {
    /// Adds what is in `directory`; `below` are the directories it is merged with, the top one first.
    fn directory(
        &mut self,
        directory: &Path,
        path: &Path,
        below: &[PathBuf],
    ) -> Result<(), ReadError> {
        for name in names(directory).map_err(at(directory))? {
            self.entry(&directory.join(&name), path.join(&name), &name, below)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        file: &Path,
        path: PathBuf,
        name: &OsStr,
        below: &[PathBuf],
    ) -> Result<(), ReadError> {
        let metadata = fs::symlink_metadata(file).map_err(at(file))?;
        let lower = Lower::find(name, below)?;
        if is_whiteout(file, &metadata).map_err(at(file))? {
            if lower.exists {
                let kind = Kind::Removed;
                self.changes.push(Change { path, kind, metadata, link: None });
            }
            return Ok(());
        }
        let directory = metadata.is_dir();
        let hides = directory
            && lower.exists
            && (lower.directories.is_empty() || is_opaque(file).map_err(at(file))?);
        let kind = match (lower.exists, hides) {
            (false, _) => Kind::Added,
            (true, false) => Kind::Changed,
            (true, true) => Kind::Replaced,
        };
        let link = self.link(&metadata, &path);
        self.changes.push(Change { path: path.clone(), kind, metadata, link });
        if directory {
            let below = if hides { &[][..] } else { &lower.directories };
            self.directory(file, &path, below)?;
        }
        Ok(())
    }

    /// Returns an earlier entry that is the same file.
    fn link(&mut self, metadata: &Metadata, path: &Path) -> Option<PathBuf> {
        if metadata.is_dir() || metadata.nlink() < 2 {
            return None;
        }
        let inode = (metadata.dev(), metadata.ino());
        if let Some(first) = self.links.get(&inode) {
            return Some(first.clone());
        }
        self.links.insert(inode, path.to_owned());
        None
    }
}

/// What the lower layers have under a name, found as overlayfs looks it up.
#[derive(Debug, Default)]
struct Lower {
    exists: bool,
    /// The directories that are merged, the top one first; empty if it is no directory.
    directories: Vec<PathBuf>,
}

impl Lower {
    fn find(name: &OsStr, below: &[PathBuf]) -> Result<Self, ReadError> {
        let mut found = Self::default();
        for directory in below {
            let file = directory.join(name);
            let metadata = match fs::symlink_metadata(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata.map_err(at(&file))?,
            };
            if is_whiteout(&file, &metadata).map_err(at(&file))? {
                break;
            }
            found.exists = true;
            if !metadata.is_dir() {
                break;
            }
            let opaque = is_opaque(&file).map_err(at(&file))?;
            found.directories.push(file);
            if opaque {
                break;
            }
        }
        Ok(found)
    }
}

fn names(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
    let path = path.to_owned();
    move |source| ReadError { path, source }
}
