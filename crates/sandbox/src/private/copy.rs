//! Copying one file of any kind, with all that belongs to it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::{
    DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink,
};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};

use crate::changes::is_bookkeeping;

/// Unit of `st_blocks` (`stat(3type)`).
const BLOCK: u64 = 512;

/// Copies what is at `from` to `to`, where nothing is: of a directory only itself, and without its
/// attributes, which are set when it is full. A socket is a running process's and is left out.
pub(crate) fn node(from: &Path, to: &Path, metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return fs::DirBuilder::new().mode(0o700).create(to);
    }
    if kind.is_socket() {
        return Ok(());
    }
    if kind.is_file() {
        content(from, to, metadata)?;
    } else if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else {
        let kind = FileType::from_raw_mode(metadata.mode());
        mknodat(CWD, to, kind, Mode::from_raw_mode(0o600), metadata.rdev())?;
    }
    attributes(from, to, metadata)
}

/// Copies a file or a directory with all that is in it. What vanishes meanwhile was not there.
pub(crate) fn tree(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    node(from, to, &metadata)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        match tree(&from.join(&name), &to.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    attributes(from, to, &metadata)
}

/// Copies the bytes of a file, its holes as holes.
fn content(from: &Path, to: &Path, metadata: &Metadata) -> io::Result<()> {
    let mut source = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        return Ok(());
    }
    if metadata.blocks() * BLOCK < metadata.len() {
        return sparse(&mut source, &mut target, metadata.len());
    }
    io::copy(&mut source, &mut target).map(drop)
}

fn sparse(source: &mut File, target: &mut File, length: u64) -> io::Result<()> {
    use rustix::fs::SeekFrom as Seeking;
    let seek = |file: &File, to| rustix::fs::seek(file.as_fd(), to);
    let mut position = 0;
    while position < length {
        let begin = match seek(source, Seeking::Data(position)) {
            // Nothing but a hole is left.
            Err(rustix::io::Errno::NXIO) => break,
            // A file system that knows no holes.
            Err(rustix::io::Errno::INVAL) => position,
            other => other?,
        };
        let end = seek(source, Seeking::Hole(begin)).unwrap_or(length);
        source.seek(SeekFrom::Start(begin))?;
        target.seek(SeekFrom::Start(begin))?;
        io::copy(&mut io::Read::take(&mut *source, end - begin), target)?;
        position = end;
    }
    target.set_len(length)
}

/// Gives `to` the owner, extended attributes, mode and times of `from`.
pub(crate) fn attributes(from: &Path, to: &Path, metadata: &Metadata) -> io::Result<()> {
    // The order matters: a new owner clears set-user-id and `security.capability`.
    lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
    let kind = metadata.file_type();
    if !kind.is_symlink() {
        fs::set_permissions(to, fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    }
    if kind.is_file() || kind.is_dir() {
        extended(from, to)?;
    }
    set_times(to, metadata)
}

/// Sets access and modification time of `path` itself.
pub(crate) fn set_times(path: &Path, metadata: &Metadata) -> io::Result<()> {
    Ok(utimensat(CWD, path, &times(metadata), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Returns the times of a file in the form that sets them.
pub(crate) fn times(metadata: &Metadata) -> Timestamps {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: time(metadata.atime(), metadata.atime_nsec()),
        last_modification: time(metadata.mtime(), metadata.mtime_nsec()),
    }
}

fn extended(from: &Path, to: &Path) -> io::Result<()> {
    let names = |path: &Path| match xattr::list(path) {
        Ok(names) => Ok(names.filter(|name| travels(name)).collect::<Vec<_>>()),
        // A file system without them.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let wanted = names(from)?;
    for name in names(to)? {
        if !wanted.contains(&name) {
            xattr::remove(to, &name)?;
        }
    }
    for name in wanted {
        if let Some(value) = xattr::get(from, &name)? {
            xattr::set(to, &name, &value)?;
        }
    }
    Ok(())
}

/// Says whether an attribute is a file's own; labels of this machine's security module are not.
fn travels(name: &std::ffi::OsStr) -> bool {
    let user = name.as_encoded_bytes().starts_with(b"user.");
    let ours = name == crate::changes::OWNER_ATTRIBUTE;
    name == "security.capability" || ours || (user && !is_bookkeeping(name))
}

/// Removes what is at `path`, whatever it is; nothing there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
