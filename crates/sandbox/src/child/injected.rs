//! Mounting what a command asks for, and the files every command finds.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::child::places::Kind;
use crate::detached::{self, NODEV, NOSUID, READ_ONLY};
use crate::ids::Ids;
use crate::mounts::{Access, Mount};
use crate::overlay::{Layers, Scratch};
use crate::wire::{Doing, Failure};

/// A mount that is made and not yet in its place.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) target: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) mount: OwnedFd,
}

/// Makes mounts from what lies in the caller's directories.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    pub(crate) scratch: &'a Scratch,
    /// The caller's work directory, for what is too large for memory.
    pub(crate) work: &'a Path,
    pub(crate) ids: &'a Ids,
    made: usize,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(scratch: &'a Scratch, work: &'a Path, ids: &'a Ids) -> Self {
        Self { scratch, work, ids, made: 0 }
    }

    /// Makes the mount that a command asks for.
    pub(crate) fn mount(&mut self, mount: &Mount) -> Result<Ready, Failure> {
        let target = mount.target().to_owned();
        let doing = || format!("mount `{}`", target.display());
        let (kind, mount) = match mount {
            Mount::Bind { source, access, .. } => self.bind(source, *access)?,
            Mount::Cache { source, .. } => self.bind(source, Access::Kept)?,
            Mount::Ssh { socket, .. } => self.bind(socket, Access::Kept)?,
            Mount::Tmpfs { size, .. } => (Kind::Directory, memory(*size).doing(doing)?),
            Mount::Secret { content, mode, uid, gid, .. } => {
                let path = self.file(content.expose(), *mode, (*uid, *gid))?;
                self.bind(&path, Access::ReadOnly)?
            }
        };
        Ok(Ready { target, kind, mount })
    }

    /// Makes a file of the sandbox's own that a command may write to; what it writes is lost.
    pub(crate) fn provided(&mut self, target: &str, content: &[u8]) -> Result<Ready, Failure> {
        let path = self.file(content, 0o644, (0, 0))?;
        let (kind, mount) = self.bind(&path, Access::Kept)?;
        Ok(Ready { target: PathBuf::from(target), kind, mount })
    }

    fn bind(&mut self, source: &Path, access: Access) -> Result<(Kind, OwnedFd), Failure> {
        let doing = || format!("mount `{}`", source.display());
        let kind = Kind::of(source).doing(doing)?;
        let mount = match (access, kind) {
            (Access::Discarded, Kind::Directory) => self.disposable(source)?,
            (Access::Discarded, Kind::File) => {
                let copy = self.next("copy");
                fs::copy(source, &copy).doing(doing)?;
                detached::copy(&copy).doing(doing)?
            }
            (Access::ReadOnly | Access::Kept, _) => detached::copy(source).doing(doing)?,
        };
        let attributes = match access {
            Access::ReadOnly => NODEV | READ_ONLY,
            Access::Discarded | Access::Kept => NODEV,
        };
        detached::restrict(&mount, attributes).doing(doing)?;
        Ok((kind, mount))
    }

    /// Makes a directory that takes writes and forgets them.
    fn disposable(&mut self, source: &Path) -> Result<OwnedFd, Failure> {
        let doing = || format!("mount `{}` for writing", source.display());
        let kept = self.work.join(format!("discarded-{}", self.made));
        let (upper, work) = (kept.join("upper"), kept.join("work"));
        fs::create_dir_all(&upper).and_then(|()| fs::create_dir(&work)).doing(doing)?;
        super::places::copy_attributes(source, &upper).doing(doing)?;
        let (target, links) = (self.next("discarded"), self.next("links"));
        fs::create_dir(&target).and_then(|()| fs::create_dir(&links)).doing(doing)?;
        let layers = Layers { lowers: &[source.to_owned()], upper: Some((&upper, &work)) };
        layers.mount(&target, &links, self.ids)?;
        detached::copy(&target).doing(doing)
    }

    fn file(&mut self, content: &[u8], mode: u32, owner: (u32, u32)) -> Result<PathBuf, Failure> {
        let path = self.next("file");
        let write = || {
            fs::write(&path, content)?;
            chown(&path, Some(owner.0), Some(owner.1))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        };
        write().doing(|| "write a file for the command".to_owned())?;
        Ok(path)
    }

    fn next(&mut self, name: &str) -> PathBuf {
        self.made += 1;
        self.scratch.path(&format!("{name}-{}", self.made))
    }
}

/// Makes a directory in memory.
pub(crate) fn memory(size: Option<u64>) -> rustix::io::Result<OwnedFd> {
    let size = size.map(|bytes| bytes.to_string());
    let mut options = vec![("mode", "1777")];
    options.extend(size.as_deref().map(|size| ("size", size)));
    detached::filesystem("tmpfs", &options, NODEV | NOSUID)
}
