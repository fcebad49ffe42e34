//! Mount points that an image lacks.
//!
//! They are made in a directory that becomes the topmost of the layers the command sees: there they
//! show through whiteouts and opaque directories of the image, and being a lower layer they never
//! reach the upper directory. A directory on the way to one is repeated with the attributes it has in
//! the image, since the topmost layer's are the ones seen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use crate::detached;
use crate::private::copy;

/// As many as the kernel follows.
const LINKS_FOLLOWED: usize = 40;

/// What a mount point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

impl Kind {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        Ok(if metadata.is_dir() { Self::Directory } else { Self::File })
    }

    /// Makes one at `path`.
    pub(crate) fn make(self, path: &Path) -> io::Result<()> {
        // Past the umask of the caller: a command that adds to such a directory makes it a change.
        let mode = match self {
            Self::Directory => fs::create_dir(path).map(|()| 0o755)?,
            Self::File => File::create_new(path).map(|_| 0o644)?,
        };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }
}

/// How far a path exists inside a root.
#[derive(Debug)]
pub(crate) struct Gap {
    /// The part that does, relative to the root and free of symlinks.
    pub(crate) existing: PathBuf,
    /// The names that do not; never empty.
    pub(crate) missing: Vec<OsString>,
}

/// Finds what of `target` is missing in `root`; `None` if nothing is.
pub(crate) fn gap(root: &Path, target: &Path) -> io::Result<Option<Gap>> {
    let base = detached::open(root)?;
    let mut target = target.to_owned();
    for _ in 0..LINKS_FOLLOWED {
        let Some((existing, mut missing)) = split(&base, &target)? else { return Ok(None) };
        let place = detached::place(&base, &existing)?;
        let shown = fs::read_link(format!("/proc/self/fd/{}", place.as_raw_fd()))?;
        let existing = shown.strip_prefix(root).map_err(io::Error::other)?.to_owned();
        match rustix::fs::readlinkat(&place, Path::new(&missing[0]), Vec::new()) {
            // A link to nowhere: what is missing is where it leads.
            Ok(link) => {
                let link = PathBuf::from(OsString::from_vec(link.into_bytes()));
                missing.remove(0);
                target = Path::new("/").join(existing).join(link);
                target.extend(missing);
            }
            Err(Errno::NOENT) => return Ok(Some(Gap { existing, missing })),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::LOOP.into())
}

/// Splits a path after its longest part that can be opened; `None` if that is all of it.
fn split(base: impl AsFd, target: &Path) -> io::Result<Option<(PathBuf, Vec<OsString>)>> {
    let mut existing = target.to_owned();
    let mut missing = Vec::new();
    loop {
        match detached::place(&base, &existing) {
            Ok(_) if missing.is_empty() => return Ok(None),
            Ok(_) => break,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        // `..` below something that does not exist leads nowhere.
        let Some(Component::Normal(name)) = existing.components().next_back() else {
            return Err(Errno::INVAL.into());
        };
        missing.insert(0, name.to_owned());
        existing.pop();
    }
    Ok(Some((existing, missing)))
}

/// The directory of mount points in the making.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    view: &'a Path,
    directory: &'a Path,
    repeated: BTreeSet<PathBuf>,
}

impl<'a> Places<'a> {
    /// Begins one for what `view` shows.
    pub(crate) fn new(view: &'a Path, directory: &'a Path) -> Self {
        Self { view, directory, repeated: BTreeSet::new() }
    }

    /// Makes sure that there is a mount point at `target`.
    pub(crate) fn provide(&mut self, target: &Path, kind: Kind) -> io::Result<()> {
        let Some(Gap { existing, missing }) = gap(self.view, target)? else { return Ok(()) };
        self.repeat(&existing)?;
        let mut path = self.directory.join(existing);
        for (index, name) in missing.iter().enumerate() {
            path.push(name);
            let kind = if index + 1 == missing.len() { kind } else { Kind::Directory };
            match kind.make(&path) {
                // Made on the way to an earlier one.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        Ok(())
    }

    /// Repeats a directory and those around it.
    fn repeat(&mut self, existing: &Path) -> io::Result<()> {
        let mut ancestors: Vec<&Path> = existing.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            if !self.repeated.insert(ancestor.to_owned()) || ancestor.as_os_str().is_empty() {
                continue;
            }
            fs::create_dir(self.directory.join(ancestor))?;
        }
        Ok(())
    }

    /// Gives the repeated directories their attributes, and says whether anything was missing.
    pub(crate) fn finish(self) -> io::Result<bool> {
        // Attributes last, since making an entry in a directory changes its time.
        for path in &self.repeated {
            copy_attributes(&self.view.join(path), &self.directory.join(path))?;
        }
        Ok(!self.repeated.is_empty())
    }
}

/// Gives the directory `to` the owner, mode, extended attributes and times of the directory `from`.
pub(crate) fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    copy::attributes(from, to, &fs::metadata(from)?)
}
