//! `/proc` and `/sys`, with what docker hides and protects
//! (<https://github.com/moby/moby/blob/master/daemon/pkg/oci/defaults.go>).

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::detached::{self, NODEV, NOEXEC, NOSUID, READ_ONLY};
use crate::wire::{Doing, Failure};

const HIDDEN: [&str; 12] = [
    "proc/acpi",
    "proc/asound",
    "proc/interrupts",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/sched_debug",
    "proc/scsi",
    "proc/timer_list",
    "proc/timer_stats",
    "sys/devices/virtual/powercap",
    "sys/firmware",
];

const PROTECTED: [&str; 5] = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"];

/// Makes `/proc`. Where the machine's own is partly covered, as in a container, an ordinary user's
/// kernel refuses a new one, and a copy of the machine's stands in.
pub(crate) fn proc() -> Result<OwnedFd, Failure> {
    let attributes = NOSUID | NODEV | NOEXEC;
    match detached::filesystem("proc", &[], attributes) {
        Err(Errno::PERM) => copy("/proc", attributes),
        proc => proc.doing(|| "provide `/proc`".to_owned()),
    }
}

/// Mounts `/sys` with the machine's control groups, of whatever version, all read-only: programs
/// read their memory and processor limits there. A network that is not the command's own makes the
/// kernel refuse a new one to an ordinary user, and a copy of the machine's stands in.
pub(crate) fn add_sys(root: impl AsFd) -> Result<(), Failure> {
    let attributes = NOSUID | NODEV | NOEXEC | READ_ONLY;
    let put = |mount: OwnedFd, path: &str| {
        detached::place(&root, Path::new(path))
            .and_then(|place| detached::attach(mount, place))
            .doing(|| format!("provide `{path}`"))
    };
    match detached::filesystem("sysfs", &[], attributes) {
        Err(Errno::PERM) => return put(copy("/sys", attributes)?, "/sys"),
        sys => put(sys.doing(|| "provide `/sys`".to_owned())?, "/sys")?,
    }
    let cgroup = "/sys/fs/cgroup";
    if Path::new(cgroup).is_dir() {
        put(copy(cgroup, attributes)?, cgroup)?;
    }
    Ok(())
}

fn copy(path: &str, attributes: MountAttrFlags) -> Result<OwnedFd, Failure> {
    let doing = || format!("provide `{path}`");
    let mount = detached::copy(Path::new(path)).doing(doing)?;
    detached::restrict(&mount, attributes).doing(doing)?;
    Ok(mount)
}

/// Covers what could harm the machine or tells too much about it.
pub(crate) fn cover(root: impl AsFd) -> Result<(), Failure> {
    for path in HIDDEN {
        let Some(place) = existing(&root, path)? else { continue };
        hide(&root, &place).doing(|| format!("hide `/{path}`"))?;
    }
    for path in PROTECTED {
        let Some(place) = existing(&root, path)? else { continue };
        protect(&place).doing(|| format!("protect `/{path}`"))?;
    }
    Ok(())
}

fn existing(root: impl AsFd, path: &str) -> Result<Option<OwnedFd>, Failure> {
    match detached::place(root, Path::new(path)) {
        Err(Errno::NOENT) => Ok(None),
        place => place.map(Some).doing(|| format!("find `/{path}`")),
    }
}

fn hide(root: impl AsFd, place: &OwnedFd) -> rustix::io::Result<()> {
    let directory = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(place)?.st_mode).is_dir();
    let cover = if directory {
        let attributes = NOSUID | NODEV | NOEXEC | READ_ONLY;
        detached::filesystem("tmpfs", &[("mode", "0555")], attributes)?
    } else {
        detached::copy_of(detached::place(root, Path::new("dev/null"))?, Path::new(""))?
    };
    detached::attach(cover, place)
}

fn protect(place: &OwnedFd) -> std::io::Result<()> {
    let copy = detached::copy_of(place, Path::new(""))?;
    detached::restrict(&copy, READ_ONLY | NOSUID | NODEV | NOEXEC)?;
    Ok(detached::attach(copy, place)?)
}
