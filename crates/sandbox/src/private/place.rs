//! A name in a private copy that something of the sandbox takes while a command runs.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::child::places::{self, Gap};
use crate::detached;
use crate::private::copy;

/// Where a target lies in a root: a directory that is there, and names that are not all there.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// Relative to the root and free of links.
    pub(crate) directory: PathBuf,
    /// Directories to be made in it, one in the other.
    pub(crate) missing: Vec<OsString>,
    /// The last name.
    pub(crate) name: OsString,
}

/// Finds `target` in `root`, an absolute path without links, as a process there would.
pub(crate) fn resolve(root: &Path, target: &Path) -> io::Result<Resolved> {
    if let Some(Gap { existing, mut missing }) = places::gap(root, target)? {
        let name = missing.pop().expect("something is missing");
        return Ok(Resolved { directory: existing, missing, name });
    }
    let place = detached::place(detached::open(root)?, target)?;
    let shown = fs::read_link(format!("/proc/self/fd/{}", place.as_raw_fd()))?;
    let path = shown.strip_prefix(root).map_err(io::Error::other)?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok(Resolved {
            directory: parent.to_owned(),
            missing: Vec::new(),
            name: name.to_owned(),
        }),
        // The root itself.
        _ => Err(io::Error::from_raw_os_error(libc::EBUSY)),
    }
}

/// A name in an open directory.
///
/// The directory is held open because the command may move it, or put a link in its place: what is
/// done here afterwards is done in that directory or nowhere.
#[derive(Debug)]
pub(crate) struct Place {
    directory: File,
    name: OsString,
    /// What stood there, put aside.
    covered: Option<PathBuf>,
}

impl Place {
    /// Takes `name` in the directory at `directory`; what stands there is put at `aside`.
    pub(crate) fn take(directory: &Path, name: &OsStr, aside: PathBuf) -> io::Result<Self> {
        let mut place =
            Self { directory: open_directory(directory)?, name: name.to_owned(), covered: None };
        match fs::rename(place.path(), &aside) {
            Ok(()) => place.covered = Some(aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(place)
    }

    /// Returns a path for this process alone.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.directory.as_raw_fd().to_string()).join(&self.name)
    }

    /// Removes what is here and brings back what was, whose metadata it returns.
    pub(crate) fn leave(&mut self) -> io::Result<Option<fs::Metadata>> {
        copy::remove(&self.path())?;
        let Some(covered) = self.covered.take() else { return Ok(None) };
        match fs::rename(&covered, self.path()) {
            Ok(()) => fs::symlink_metadata(self.path()).map(Some),
            // The command has removed the directory, and so what was in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the directory that was made here, unless there is something in it.
    pub(crate) fn leave_empty(&self) -> io::Result<()> {
        match fs::remove_dir(self.path()) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// Opens a directory that is not reached through a link.
pub(crate) fn open_directory(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Makes a directory of this mode, whatever the umask is.
pub(crate) fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
