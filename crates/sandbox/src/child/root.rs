//! Making the root file system of a command, and moving into it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

use crate::child::injected::{Maker, Ready};
use crate::child::places::{self, Gap, Kind, Places};
use crate::child::{devices, pseudo};
use crate::command::Root;
use crate::detached::{self, NODEV, NOEXEC, NOSUID};
use crate::ids::Ids;
use crate::overlay::{Layers, Scratch};
use crate::sys::{self, NameSpaces, SingleThreaded};
use crate::wire::{Doing, Failure, Run};

/// What lies in the caller's work directory while a command runs.
pub(crate) const MOUNT: &str = "mount";
/// See [`MOUNT`].
pub(crate) const OVERLAY: &str = "overlay";

/// Makes the root file system and makes it the only thing this process can see.
pub(crate) fn enter(alone: SingleThreaded, run: &Run) -> Result<(), Failure> {
    let command = &run.command;
    sys::unshare(alone, NameSpaces::MOUNT).doing(|| "make a mount name space".to_owned())?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .doing(|| "keep mounts private".to_owned())?;
    rustix::system::sethostname(command.hostname.as_bytes())
        .doing(|| format!("set the host name `{}`", command.hostname))?;

    let work = fs::canonicalize(&command.root.work)
        .doing(|| format!("open `{}`", command.root.work.display()))?;
    let scratch = scratch(&work)?;
    let mut maker = Maker::new(&scratch, &work, &run.ids);
    let mut mounts = vec![
        maker.provided("/etc/resolv.conf", &run.resolv_conf)?,
        maker.provided("/etc/hosts", &run.hosts)?,
    ];
    for mount in &command.mounts {
        mounts.push(maker.mount(mount)?);
    }

    let places = places(&scratch, &command.root, &mounts, &run.ids)?;
    let root = overlay(&scratch, &command.root, places, &work, &run.ids)?;
    furnish(&root, mounts, &run.ids)?;
    pivot(&root).doing(|| "make it the root file system".to_owned())
}

/// Mounts a small file system for everything that is only needed while mounting.
fn scratch(work: &Path) -> Result<Scratch, Failure> {
    let at = work.join(MOUNT);
    let doing = || format!("mount a file system at `{}`", at.display());
    fs::create_dir(&at).doing(doing)?;
    let mount = detached::filesystem("tmpfs", &[("mode", "0755")], NODEV | NOSUID).doing(doing)?;
    detached::open(&at).and_then(|place| detached::attach(mount, place)).doing(doing)?;
    Ok(Scratch::new(&at))
}

/// Makes the mount points that the image lacks; `None` if it lacks none.
fn places(
    scratch: &Scratch,
    root: &Root,
    mounts: &[Ready],
    ids: &Ids,
) -> Result<Option<PathBuf>, Failure> {
    let mut layers = root.lowers.clone();
    let doing = || format!("read `{}`", root.upper.display());
    let fresh = fs::read_dir(&root.upper).doing(doing)?.next().is_none();
    if !fresh {
        layers.push(root.upper.clone());
    }
    let view = scratch.view(&layers, ids)?;
    if fresh && !root.lowers.is_empty() {
        // The upper directory's own attributes are those of `/`.
        places::copy_attributes(&view, &root.upper)
            .doing(|| format!("set the attributes of `{}`", root.upper.display()))?;
    }
    let directory = scratch.directory("places")?;
    let mut places = Places::new(&view, &directory);
    let expected = ["/proc", "/sys", "/dev"].map(|path| (Path::new(path), Kind::Directory));
    let wanted = mounts.iter().map(|ready| (ready.target.as_path(), ready.kind));
    for (target, kind) in expected.into_iter().chain(wanted) {
        places.provide(target, kind).doing(|| format!("mount at `{}`", target.display()))?;
    }
    let any = places.finish().doing(|| "make mount points".to_owned())?;
    unmount(&view, UnmountFlags::DETACH).doing(|| "unmount the view".to_owned())?;
    Ok(any.then_some(directory))
}

/// Mounts the image, the mount points above it, and the upper directory on top.
fn overlay(
    scratch: &Scratch,
    root: &Root,
    places: Option<PathBuf>,
    work: &Path,
    ids: &Ids,
) -> Result<PathBuf, Failure> {
    let overlay = work.join(OVERLAY);
    DirBuilder::new()
        .mode(0o700)
        .create(&overlay)
        .doing(|| format!("make the directory `{}`", overlay.display()))?;
    let mut lowers = root.lowers.clone();
    lowers.extend(places);
    if lowers.is_empty() {
        // An overlay has at least one lower layer.
        lowers.push(scratch.directory("nothing")?);
    }
    let target = scratch.directory("root")?;
    let links = scratch.directory("root-links")?;
    Layers { lowers: &lowers, upper: Some((&root.upper, &overlay)) }.mount(&target, &links, ids)?;
    Ok(target)
}

/// Mounts all that a command finds besides its files.
fn furnish(root: &Path, mounts: Vec<Ready>, ids: &Ids) -> Result<(), Failure> {
    let proc = pseudo::proc()?;
    attach(root, Path::new("/proc"), Kind::Directory, proc)?;
    pseudo::add_sys(open(root)?)?;
    let options = [("mode", "0755"), ("size", "64k")];
    let dev = detached::filesystem("tmpfs", &options, NOSUID | NOEXEC | NODEV)
        .doing(|| "provide `/dev`".to_owned())?;
    attach(root, Path::new("/dev"), Kind::Directory, dev)?;
    let dev = detached::place(open(root)?, Path::new("dev")).doing(|| "find `/dev`".to_owned())?;
    devices::fill(&shown(&dev).doing(|| "find `/dev`".to_owned())?, ids)?;
    for Ready { target, kind, mount } in mounts {
        attach(root, &target, kind, mount)?;
    }
    pseudo::cover(open(root)?)
}

/// Puts a mount into its place, which is missing only where it lies inside an earlier mount.
fn attach(root: &Path, target: &Path, kind: Kind, mount: OwnedFd) -> Result<(), Failure> {
    let put = || -> io::Result<()> {
        if let Some(Gap { existing, missing }) = places::gap(root, target)? {
            let mut path = root.join(existing);
            for (index, name) in missing.iter().enumerate() {
                path.push(name);
                let last = index + 1 == missing.len();
                (if last { kind } else { Kind::Directory }).make(&path)?;
            }
        }
        let place = detached::place(detached::open(root)?, target)?;
        Ok(detached::attach(mount, place)?)
    };
    put().doing(|| format!("mount at `{}`", target.display()))
}

fn open(root: &Path) -> Result<OwnedFd, Failure> {
    detached::open(root).doing(|| "open the root file system".to_owned())
}

/// Returns the path of an open place.
fn shown(place: &OwnedFd) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    fs::read_link(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

/// Makes `root` the root and lets go of everything else (`pivot_root(2)`, `pivot_root(".", ".")`).
fn pivot(root: &Path) -> io::Result<()> {
    std::env::set_current_dir(root)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}
