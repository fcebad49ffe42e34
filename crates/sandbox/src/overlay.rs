//! Mounting layers on top of each other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::mount::MountFlags;

use crate::detached::{self, NODEV, NOSUID, c_string};
use crate::ids::Ids;
use crate::sys;
use crate::wire::{Doing, Failure};

/// What is mounted together.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    /// The bottom one first; at least two where there is no `upper`.
    pub(crate) lowers: &'a [PathBuf],
    /// The directory for changes and overlayfs's own work directory.
    pub(crate) upper: Option<(&'a Path, &'a Path)>,
}

impl Layers<'_> {
    /// Mounts the layers at `target`. Changes the working directory to `links`, an empty directory.
    ///
    /// The layers are named by short relative symlinks: mount options have 4096 bytes, fsconfig values
    /// 256, and neither commas nor colons of a path need escaping this way. It also keeps paths of
    /// the machine out of the command's `/proc/self/mountinfo`.
    pub(crate) fn mount(&self, target: &Path, links: &Path, ids: &Ids) -> Result<(), Failure> {
        let link = |path: &Path, name: &str| {
            let path = fs::canonicalize(path)?;
            symlink(path, links.join(name))
        };
        let mut names = Vec::new();
        for (index, lower) in self.lowers.iter().enumerate() {
            let name = index.to_string();
            link(lower, &name).doing(|| format!("open the layer `{}`", lower.display()))?;
            names.push(name);
        }
        names.reverse();
        let mut options = format!("lowerdir={}", names.join(":"));
        if let Some((upper, work)) = self.upper {
            link(upper, "upper").doing(|| format!("open `{}`", upper.display()))?;
            link(work, "work").doing(|| format!("open `{}`", work.display()))?;
            options.push_str(",upperdir=upper,workdir=work");
        }
        // What is read from the upper directory afterwards must be all there is: no redirects, no
        // copied-up metadata without data, no index. `userxattr` rules the first two out itself.
        options.push_str(match ids {
            Ids::All => ",index=off,redirect_dir=off,metacopy=off",
            // `trusted.*` needs CAP_SYS_ADMIN in the first user namespace. Linux 5.11.
            Ids::Ranges { .. } | Ids::Single => ",index=off,userxattr",
        });
        std::env::set_current_dir(links).doing(|| "enter the list of layers".to_owned())?;
        self.mount_with(target, &options).doing(|| self.describe())
    }

    fn mount_with(&self, target: &Path, options: &str) -> std::io::Result<()> {
        // NODEV: no device node of an image can be opened, as under docker's device cgroup.
        let flags = MountFlags::NODEV;
        let mount = |options: String| -> std::io::Result<()> {
            let options = c_string(options)?;
            Ok(rustix::mount::mount("overlay", target, "overlay", flags, options.as_c_str())?)
        };
        // The upper directory is worthless after a crash, so that syncing it (dpkg does so for
        // every file) is a waste. Linux 5.10.
        if self.upper.is_some() && mount(format!("{options},volatile")).is_ok() {
            return Ok(());
        }
        mount(options.to_owned())
    }

    fn describe(&self) -> String {
        match self.upper {
            Some((upper, _)) => format!("mount an overlay over `{}`", upper.display()),
            None => "mount the layers on top of each other".to_owned(),
        }
    }
}

/// Mounts layers read-only below the directory `at`, and returns the directory that shows them. Both
/// are mount points: `at` itself holds a small file system with the links.
pub(crate) fn view(layers: &[PathBuf], at: &Path, ids: &Ids) -> Result<PathBuf, Failure> {
    let doing = || format!("mount a view at `{}`", at.display());
    let at = fs::canonicalize(at).doing(doing)?;
    let scratch =
        detached::filesystem("tmpfs", &[("mode", "0755")], NODEV | NOSUID).doing(doing)?;
    detached::open(&at).and_then(|place| detached::attach(scratch, place)).doing(doing)?;
    let mounted = fill(layers, &at, ids);
    if mounted.is_err() {
        let _ = rustix::mount::unmount(&at, rustix::mount::UnmountFlags::DETACH);
    }
    mounted
}

fn fill(layers: &[PathBuf], at: &Path, ids: &Ids) -> Result<PathBuf, Failure> {
    let scratch = Scratch::new(at);
    // The working directory belongs to the process, so a thread with its own one does the work.
    thread::scope(|scope| {
        let work = || {
            sys::unshare_directory().doing(|| "leave the working directory".to_owned())?;
            scratch.view(layers, ids)
        };
        scope.spawn(work).join().expect("mounting does not panic")
    })
}

/// The directories that mounting takes, inside an empty file system.
#[derive(Debug)]
pub(crate) struct Scratch {
    at: PathBuf,
}

impl Scratch {
    pub(crate) fn new(at: &Path) -> Self {
        Self { at: at.to_owned() }
    }

    /// Returns the path of an entry.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    /// Makes a directory.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        fs::create_dir(&path).doing(|| format!("make the directory `{name}`"))?;
        Ok(path)
    }

    /// Mounts layers for reading.
    pub(crate) fn view(&self, layers: &[PathBuf], ids: &Ids) -> Result<PathBuf, Failure> {
        // An overlay without upper directory needs two layers; two empty ones change nothing.
        let mut lowers = vec![self.directory("empty")?, self.directory("bare")?];
        lowers.extend_from_slice(layers);
        let target = self.directory("view")?;
        let links = self.directory("view-links")?;
        Layers { lowers: &lowers, upper: None }.mount(&target, &links, ids)?;
        Ok(target)
    }
}
