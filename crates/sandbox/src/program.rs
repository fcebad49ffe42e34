//! The program that is started again as the child.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::detached::{self, READ_ONLY};
use crate::init::{NAME, PROTOCOL};

const SELF: &str = "/proc/self/exe";

/// An executable that a command cannot write to.
///
/// A command in name spaces can reach the file it was started through by `/proc/self/exe` (CVE-2019-5736), and as
/// root could write to it once nobody runs it. So it is started through a read-only mount of the
/// file, which exists nowhere else.
#[derive(Debug)]
pub(crate) struct Program {
    file: OwnedFd,
}

impl Program {
    /// Opens this program. The process must be able to mount.
    pub(crate) fn open() -> io::Result<Self> {
        let file = match Self::read_only_mount() {
            Ok(Some(file)) => file,
            Ok(None) | Err(_) => Self::copy()?,
        };
        Ok(Self { file })
    }

    /// Opens this program for commands that have no `/proc` to reach it by.
    pub(crate) fn itself() -> io::Result<Self> {
        Ok(Self { file: File::open(SELF)?.into() })
    }

    /// Mounts the file a second time; `None` if it is not at its path any more.
    fn read_only_mount() -> io::Result<Option<OwnedFd>> {
        let path = fs::read_link(SELF)?;
        let file = detached::copy(&path)?;
        detached::restrict(&file, READ_ONLY)?;
        let (found, running) = (rustix::fs::fstat(&file)?, fs::metadata(SELF)?);
        let same = found.st_dev == running.dev() && found.st_ino == running.ino();
        Ok(same.then_some(file))
    }

    /// Copies the file to memory.
    fn copy() -> io::Result<OwnedFd> {
        let mut copy = File::from(memfd_create(NAME, MemfdFlags::CLOEXEC)?);
        io::copy(&mut File::open(SELF)?, &mut copy)?;
        copy.rewind()?;
        // Reopened, since a file that is open for writing cannot be executed.
        let read_only = File::open(format!("/proc/self/fd/{}", copy.as_raw_fd()))?;
        Ok(read_only.into())
    }

    /// Starts the child of a command, with pipes for what it writes.
    pub(crate) fn start(&self) -> io::Result<(Child, UnixStream)> {
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        start(&path, Stdio::piped)
    }
}

/// Starts the child of a trial, before this process can mount anything.
pub(crate) fn start_trial() -> io::Result<(Child, UnixStream)> {
    start(&PathBuf::from(SELF), Stdio::null)
}

fn start(path: &PathBuf, output: fn() -> Stdio) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(path)
        .arg0(NAME)
        .arg(PROTOCOL)
        .env_clear()
        .stdin(OwnedFd::from(theirs))
        .stdout(output())
        .stderr(output())
        // Ctrl-C reaches the program, which decides; not the child behind its back.
        .process_group(0)
        .spawn()?;
    Ok((child, ours))
}
