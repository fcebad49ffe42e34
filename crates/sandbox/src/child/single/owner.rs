//! Whose files are: written down beside them.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, chownat, fstat, openat, statat};
use rustix::io::Errno;

use crate::changes::OWNER_ATTRIBUTE;
use crate::sys::seccomp::{self, Answer, Form};

use super::call::Place;
use super::identity::Identity;
use super::process;

/// A file that a call is about to make, and that is to belong to somebody.
#[derive(Debug)]
struct Expected {
    /// Who makes it: with its next call this one has ended.
    thread: u32,
    parent: OwnedFd,
    name: PathBuf,
    owner: (u32, u32),
}

/// The owners of files.
#[derive(Debug, Default)]
pub(super) struct Owners {
    expected: Vec<Expected>,
    /// How many could not be kept.
    pub(super) lost: usize,
}

impl Owners {
    /// Gives a file to somebody.
    pub(super) fn give(
        &mut self,
        thread: u32,
        place: &Place,
        (user, group): (Option<u32>, Option<u32>),
        identity: &Identity,
    ) -> io::Result<Answer> {
        let file = process::open(thread, place)?;
        let before = owner(&file)?;
        if !identity.may_give(before, (user, group)) {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        let root = (Some(Uid::ROOT), Some(Gid::ROOT));
        // What the kernel does besides: it looks whether that may be, takes set-user-id away, and dates the change.
        chownat(&file, "", root.0, root.1, AtFlags::EMPTY_PATH)?;
        self.write(&file, (user.unwrap_or(before.0), group.unwrap_or(before.1)))?;
        Ok(Answer::Value(0))
    }

    /// Tells who looks at a file whose it is.
    pub(super) fn show(thread: u32, place: &Place, into: u64, form: Form) -> io::Result<Answer> {
        // The kernel says what is wrong with a path, and knows root's files.
        let Ok(file) = process::open(thread, place) else { return Ok(Answer::Continue) };
        match owner(&file) {
            Ok((0, 0)) | Err(_) => Ok(Answer::Continue),
            Ok(owner) => {
                process::write(thread, into, &seccomp::described(&file, owner, form)?)?;
                Ok(Answer::Value(0))
            }
        }
    }

    /// Looks at a file that is about to be made: whose it will be.
    pub(super) fn expect(
        &mut self,
        thread: u32,
        place: &Place,
        identity: &Identity,
    ) -> io::Result<Answer> {
        // The kernel says what is wrong with a path.
        let Ok((parent, name)) = process::open_parent(thread, place) else {
            return Ok(Answer::Continue);
        };
        let mut owner = (identity.user.file, identity.group.file);
        if fstat(&parent)?.st_mode & libc::S_ISGID != 0 {
            // It belongs to the group of its directory (inode(7)).
            owner.1 = self::owner(&parent)?.1;
        }
        let there = statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        if owner != (0, 0) && !there {
            self.expected.push(Expected { thread, parent, name, owner });
        }
        Ok(Answer::Continue)
    }

    /// Gives the files to their owners that have been made since, before anything else is done with them. Those that `caller`
    /// was to make, or all, are not waited for any longer.
    pub(super) fn settle(&mut self, caller: Option<u32>) {
        for expected in std::mem::take(&mut self.expected) {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&expected.parent, &expected.name, flags, Mode::empty()) {
                Ok(file) => {
                    if self.write(&file, expected.owner).is_err() {
                        self.lost += 1;
                    }
                }
                Err(_) if caller.is_some_and(|caller| caller != expected.thread) => {
                    self.expected.push(expected);
                }
                Err(_) => {}
            }
        }
    }

    /// Writes down whose a file is.
    fn write(&mut self, file: &OwnedFd, owner: (u32, u32)) -> io::Result<()> {
        if !keeps(&fstat(file)?) {
            self.lost += usize::from(owner != (0, 0));
            return Ok(());
        }
        let written = match owner {
            (0, 0) => xattr::remove_deref(path(file), OWNER_ATTRIBUTE),
            (user, group) => {
                xattr::set_deref(path(file), OWNER_ATTRIBUTE, format!("{user}:{group}").as_bytes())
            }
        };
        match written {
            // File systems without attributes, such as /dev/shm, are in no layer.
            Err(error) if matches!(errno(&error), Some(Errno::NODATA | Errno::OPNOTSUPP)) => Ok(()),
            other => other,
        }
    }
}

/// Reads whose a file is.
fn owner(file: &OwnedFd) -> io::Result<(u32, u32)> {
    if !keeps(&fstat(file)?) {
        return Ok((0, 0));
    }
    match xattr::get_deref(path(file), OsStr::new(OWNER_ATTRIBUTE)) {
        Ok(Some(value)) => parse(&value).ok_or_else(|| io::ErrorKind::InvalidData.into()),
        Ok(None) => Ok((0, 0)),
        Err(error) if errno(&error) == Some(Errno::OPNOTSUPP) => Ok((0, 0)),
        Err(error) => Err(error),
    }
}

fn parse(value: &[u8]) -> Option<(u32, u32)> {
    let (user, group) = str::from_utf8(value).ok()?.split_once(':')?;
    Some((user.parse().ok()?, group.parse().ok()?))
}

/// Tells whether a file takes attributes of users (`xattr(7)`).
fn keeps(stat: &Stat) -> bool {
    matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Directory)
}

/// A descriptor without rights to the file opens as this path.
fn path(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}
