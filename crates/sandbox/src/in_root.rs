//! Opening files of a root file system that nobody trusts.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, Result};

/// How often a path is looked up: each time something was renamed or mounted meanwhile, anywhere on the machine.
const TRIES: usize = 128;

/// Opens `path` as if `root` were `/`: absolute links and `..` stay inside (`openat2(2)`, `RESOLVE_IN_ROOT`).
///
/// # Errors
///
/// As `openat2(2)`. `EAGAIN`, with which the kernel leaves a path with `..` while mounts or names change, is tried again.
pub fn open_in_root(root: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd> {
    let open = || openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    for _ in 1..TRIES {
        match open() {
            Err(Errno::AGAIN) => std::thread::yield_now(),
            opened => return opened,
        }
    }
    open()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn links_stay_inside_while_names_change() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("root/etc")).unwrap();
        fs::create_dir_all(path("root/run/systemd")).unwrap();
        fs::write(path("root/run/systemd/resolv.conf"), "inside").unwrap();
        symlink("../run/systemd/../systemd/resolv.conf", path("root/etc/resolv.conf")).unwrap();
        fs::create_dir(path("a")).unwrap();
        let root = fs::File::open(path("root")).unwrap();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    fs::rename(path("a"), path("b")).unwrap();
                    fs::rename(path("b"), path("a")).unwrap();
                }
            });
            for _ in 0..20_000 {
                let opened = open_in_root(&root, Path::new("/etc/resolv.conf"), OFlags::PATH);
                if let Err(error) = opened {
                    ended.store(true, Ordering::Relaxed);
                    panic!("{error}");
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
    }
}
