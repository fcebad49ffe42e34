//! `/dev` as programs expect it (the list is that of the OCI runtime specification).

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::detached::{self, NODEV, NOEXEC, NOSUID};
use crate::ids::Ids;
use crate::wire::{Doing, Failure};

/// The group that owns terminals in every distribution.
const TTY: u32 = 5;

/// Device of the command, and the machine's it is. There is no terminal, so that what is written to
/// the console is dropped.
const NODES: [(&str, &str); 7] = [
    ("null", "/dev/null"),
    ("zero", "/dev/zero"),
    ("full", "/dev/full"),
    ("random", "/dev/random"),
    ("urandom", "/dev/urandom"),
    ("tty", "/dev/tty"),
    ("console", "/dev/null"),
];

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Fills a new file system that is mounted at `dev`, a path of this machine.
pub(crate) fn fill(dev: &Path, ids: &Ids) -> Result<(), Failure> {
    for (name, source) in NODES {
        let doing = || format!("provide `/dev/{name}`");
        File::create(dev.join(name)).doing(doing)?;
        // Each is a mount of its own, since the file system around it opens no devices.
        let node = detached::copy(Path::new(source)).doing(doing)?;
        detached::restrict(&node, NOSUID | NOEXEC).doing(doing)?;
        detached::open(&dev.join(name)).and_then(|at| detached::attach(node, at)).doing(doing)?;
    }
    for (name, target) in LINKS {
        symlink(target, dev.join(name)).doing(|| format!("provide `/dev/{name}`"))?;
    }
    let tty = TTY.to_string();
    let mut pts = vec![("ptmxmode", "0666"), ("mode", "0620")];
    if ids.has_group(TTY) {
        pts.push(("gid", &tty));
    }
    mount(dev, "pts", "devpts", &pts)?;
    mount(dev, "shm", "tmpfs", &[("mode", "1777")])?;
    mount(dev, "mqueue", "mqueue", &[])
}

fn mount(dev: &Path, name: &str, kind: &str, options: &[(&str, &str)]) -> Result<(), Failure> {
    let doing = || format!("provide `/dev/{name}`");
    let path = dev.join(name);
    fs::create_dir(&path).doing(doing)?;
    // A device inside devpts is what makes it useful.
    let attributes = if kind == "devpts" { NOSUID | NOEXEC } else { NOSUID | NOEXEC | NODEV };
    let mount = detached::filesystem(kind, options, attributes).doing(doing)?;
    detached::open(&path).and_then(|at| detached::attach(mount, at)).doing(doing)
}
