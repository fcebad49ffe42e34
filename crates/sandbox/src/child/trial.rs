//! Trying everything a command needs, short of running one.

use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{WaitOptions, waitpid};

use crate::child::{root, supervisor};
use crate::command::{Command, Root};
use crate::detached::{self, NODEV, NOSUID};
use crate::ids::Ids;
use crate::sys::{self, Forked, NameSpaces, SingleThreaded};
use crate::wire::{self, Doing, Failure, FailureKind, Reply, Report, Run, Trial};

/// Directories that are there on every system and can be used for a moment.
pub(crate) const SPARE: [&str; 4] = ["/tmp", "/var", "/mnt", "/home"];

/// Makes the name spaces, tries them, and keeps them alive for the parent to join.
pub(crate) fn serve(
    alone: SingleThreaded,
    mut socket: &UnixStream,
    trial: &Trial,
) -> Result<(), Failure> {
    let doing = || "talk to the parent".to_owned();
    if trial.user_namespace {
        sys::unshare(alone, NameSpaces::USER).doing(|| "make a user name space".to_owned())?;
        wire::send(socket, &Report::Unshared).doing(doing)?;
        let Some(Reply::Mapped) = wire::receive(socket).doing(doing)? else { return Ok(()) };
    }
    sys::unshare(alone, NameSpaces::MOUNT).doing(|| "make a mount name space".to_owned())?;
    // Downstream: what the machine unmounts goes away here too, and nothing goes back.
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        .doing(|| "keep mounts private".to_owned())?;
    attempt(alone, socket)?;
    wire::send(socket, &Report::Ready).doing(doing)?;
    // The parent hangs up when it has joined.
    let _ = socket.read(&mut [0]);
    Ok(())
}

/// Tries in a process of its own, so that the name spaces stay clean.
fn attempt(alone: SingleThreaded, socket: &UnixStream) -> Result<(), Failure> {
    sys::unshare(alone, NameSpaces::PROCESS).doing(|| "make name spaces".to_owned())?;
    apart(alone, socket, "try a root file system", || rehearse(alone))
}

/// Rehearses in a process of its own, which tells the parent what went wrong.
pub(crate) fn apart(
    alone: SingleThreaded,
    socket: &UnixStream,
    doing: &str,
    rehearsal: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let child = match sys::fork(alone).doing(|| "start a process".to_owned())? {
        Forked::Child => supervisor::leave(rehearsal(), socket),
        Forked::Parent(child) => child,
    };
    let ended =
        waitpid(Some(child), WaitOptions::empty()).doing(|| "wait for the trial".to_owned())?;
    match ended.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        // Usually the second word, of which the parent takes no notice.
        _ => {
            Err(Failure { kind: FailureKind::Setup, doing: doing.to_owned(), errno: libc::ECHILD })
        }
    }
}

/// Enters an empty root file system in memory.
fn rehearse(alone: SingleThreaded) -> Result<(), Failure> {
    sys::unshare(alone, NameSpaces::MOUNT).doing(|| "make a mount name space".to_owned())?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .doing(|| "keep mounts private".to_owned())?;
    let doing = || "mount a file system in memory".to_owned();
    let spare = SPARE.into_iter().map(Path::new).find(|path| path.is_dir());
    let spare = spare.unwrap_or(Path::new("/"));
    let memory = detached::filesystem("tmpfs", &[], NODEV | NOSUID).doing(doing)?;
    detached::open(spare).and_then(|place| detached::attach(memory, place)).doing(doing)?;
    let [upper, work] = ["upper", "work"].map(|name| spare.join(name));
    fs::create_dir(&upper).and_then(|()| fs::create_dir(&work)).doing(doing)?;
    let maps = ["/proc/self/uid_map", "/proc/self/gid_map"].map(fs::read_to_string);
    let [uid_map, gid_map] = maps.map(Result::unwrap_or_default);
    let run = Run {
        command: Command::new(Root::new(Vec::new(), upper, work), ["true"]),
        ids: Ids::parse(&uid_map, &gid_map),
        resolv_conf: Vec::new(),
        hosts: Vec::new(),
        parent: 0,
    };
    root::enter(alone, &run)
}
