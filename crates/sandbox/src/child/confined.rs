//! A command below a changed root directory, and the end of all its processes.
//!
//! ```text
//! the program ── supervisor (adopts whatever its descendants leave) ── the command
//! ```
//!
//! There is no process id name space, so that the kernel ends nothing by itself: the supervisor does,
//! also when the program is killed, which it notices by the socket.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, WaitOptions, getpid, pidfd_open, set_child_subreaper, wait,
};

use crate::child::{descendants, die_with, execute, supervisor};
use crate::output::Exit;
use crate::sys::{self, Forked, SingleThreaded};
use crate::wire::{self, Confidential, Confined, Doing, Failure, Report};

/// How often what the command's children left behind is reaped while it runs.
const REAPING: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Runs a command and ends whatever it leaves behind.
pub(crate) fn serve(
    alone: SingleThreaded,
    socket: &UnixStream,
    confined: &Confined,
) -> Result<(), Failure> {
    set_child_subreaper(Some(getpid())).doing(|| "adopt processes".to_owned())?;
    let secrets = write(&confined.confidential)?;
    let own = Pid::as_raw(Some(getpid()));
    match sys::fork(alone).doing(|| "start a process".to_owned())? {
        Forked::Child => {
            die_with(own);
            let failure = match enter(&confined.root) {
                Ok(()) => execute::command(alone, &confined.command, &confined.ids, None),
                Err(failure) => failure,
            };
            supervisor::leave(Err(failure), socket)
        }
        Forked::Parent(command) => {
            let ended = watch(command, socket.as_fd());
            descendants::end().doing(|| "end what the command left behind".to_owned())?;
            for secret in secrets {
                secret.set_len(0).doing(|| "wipe a secret".to_owned())?;
            }
            if let Some(exit) = ended.doing(|| "wait for the command".to_owned())? {
                // A parent that is gone needs no answer.
                let _ = wire::send(socket, &Report::Exited(exit));
            }
            Ok(())
        }
    }
}

/// Makes `root` the root directory of this process.
pub(crate) fn enter(root: &Path) -> Result<(), Failure> {
    rustix::process::chroot(root)
        .and_then(|()| rustix::process::chdir("/"))
        .doing(|| "change the root directory".to_owned())
}

/// Fills the files of secrets, and keeps them open so that they can be emptied wherever they are
/// moved.
fn write(confidential: &[Confidential]) -> Result<Vec<File>, Failure> {
    let write = |Confidential { path, content }: &Confidential| {
        let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
        file.write_all(content.expose())?;
        Ok::<_, std::io::Error>(file)
    };
    let written = confidential.iter().map(write).collect::<Result<_, _>>();
    written.doing(|| "write a secret".to_owned())
}

/// Waits for the command; `None` when the parent hangs up first.
fn watch(command: Pid, socket: BorrowedFd<'_>) -> rustix::io::Result<Option<Exit>> {
    let ended = pidfd_open(command, PidfdFlags::empty())?;
    loop {
        let mut events = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::new(&socket, PollFlags::RDHUP | PollFlags::HUP),
        ];
        match poll(&mut events, Some(&REAPING)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if !events[1].revents().is_empty() {
            return Ok(None);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == command => {
                    return Ok(Some(supervisor::exit(status)));
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(error) => return Err(error),
            }
        }
    }
}
