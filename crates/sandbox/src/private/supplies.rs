//! `/dev`, `/proc` and `/sys` for a command on a rung without mounts.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::private::furniture::Furniture;
use crate::private::place::make_directory;
use crate::wire::{Doing, Failure};

/// Numbers of devices (<https://docs.kernel.org/admin-guide/devices.html>). There is no terminal, so
/// that what is written to the console is dropped.
const NODES: [(&str, u32, u32); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("console", 1, 3),
];

/// As everywhere. Without `/proc/self` they lead nowhere: a program that needs one is told so, and
/// does not write what it meant for a pipe into a file of that name.
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Files of `/proc` that say something about the machine and not about the process that reads them.
/// A copy is as good as the original for these.
const COPIED: [&str; 18] = [
    "cpuinfo",
    "devices",
    "filesystems",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "version",
    "sys/fs/file-max",
    "sys/kernel/cap_last_cap",
    "sys/kernel/osrelease",
    "sys/kernel/ostype",
    "sys/kernel/pid_max",
    "sys/kernel/random/boot_id",
    "sys/kernel/threads-max",
    "sys/net/core/somaxconn",
    "sys/vm/max_map_count",
    "sys/vm/overcommit_memory",
];

/// What `df` and others find: there are no mounts.
const MOUNTS: &str = "none / none rw 0 0\n";

/// Puts in all three; of `/sys` only the directory.
pub(crate) fn supply(furniture: &mut Furniture) -> Result<(), Failure> {
    let devices = furniture.directory(Path::new("/dev"), 0o755)?;
    for (name, major, minor) in NODES {
        node(&devices.join(name), major, minor).doing(|| format!("provide `/dev/{name}`"))?;
    }
    for (name, target) in LINKS {
        symlink(target, devices.join(name)).doing(|| format!("provide `/dev/{name}`"))?;
    }
    make_directory(&devices.join("shm"), 0o1777).doing(|| "provide `/dev/shm`".to_owned())?;
    let proc = furniture.directory(Path::new("/proc"), 0o555)?;
    for name in COPIED {
        // What this machine's kernel does not have, or its container hides, is not there.
        let Ok(content) = fs::read(Path::new("/proc").join(name)) else { continue };
        write(&proc.join(name), &content).doing(|| format!("provide `/proc/{name}`"))?;
    }
    write(&proc.join("mounts"), MOUNTS.as_bytes()).doing(|| "provide `/proc/mounts`".to_owned())?;
    furniture.directory(Path::new("/sys"), 0o555).map(drop)
}

/// Makes a device node, and opens it: a file system may be mounted so that none can be.
pub(crate) fn node(path: &Path, major: u32, minor: u32) -> io::Result<()> {
    let kind = FileType::CharacterDevice;
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), makedev(major, minor))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    // A terminal is opened by those who have one.
    if (major, minor) == (5, 0) { Ok(()) } else { fs::File::open(path).map(drop) }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}
