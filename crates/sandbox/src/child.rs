//! The re-executed child: what it is asked for, and the processes below it.
//!
//! ```text
//! the program ── supervisor ── init (pid 1 of the command's world) ── the command
//! ```
//!
//! Each dies with the one before it; when init dies the kernel ends everything in its world.

mod capabilities;
mod chroot_trial;
mod confined;
mod descendants;
mod devices;
mod execute;
mod filter;
mod injected;
pub(crate) mod places;
mod pseudo;
mod root;
mod single;
mod supervisor;
mod trial;

pub(crate) use root::{MOUNT, OVERLAY};

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use crate::sys::SingleThreaded;
use crate::wire::{self, Failure, FailureKind, Report, Request};

/// The status of a child whose parent cannot be told anything.
const UNHEARD: i32 = 125;

/// Does what the parent asks for on standard input and returns the status to exit with.
pub(crate) fn main() -> i32 {
    let Ok(socket) = socket() else { return UNHEARD };
    let Ok(Some(request)) = wire::receive(&socket) else { return UNHEARD };
    match serve(&socket, request) {
        Ok(()) => 0,
        Err(failure) => {
            // A parent that is gone needs no answer.
            let _ = wire::send(&socket, &Report::Failed(failure));
            UNHEARD
        }
    }
}

fn serve(socket: &UnixStream, request: Request) -> Result<(), Failure> {
    let Ok(Some(alone)) = SingleThreaded::check() else {
        return Err(Failure {
            kind: FailureKind::Setup,
            doing: "start as the only thread: `notes_sandbox::init` is not first in `main`".into(),
            errno: libc::EINVAL,
        });
    };
    match request {
        Request::Trial(trial) => {
            die_with(trial.parent);
            trial::serve(alone, socket, &trial)
        }
        Request::ChrootTrial { parent } => {
            die_with(parent);
            chroot_trial::serve(alone, socket)
        }
        Request::Run(run) => {
            die_with(run.parent);
            supervisor::serve(alone, socket, *run)
        }
        // It outlives the parent to end the command.
        Request::Confined(confined) => {
            live_with(confined.parent);
            confined::serve(alone, socket, &confined)
        }
    }
}

/// Moves the socket away from standard input, where the command must not find it.
fn socket() -> std::io::Result<UnixStream> {
    let stdin = std::io::stdin();
    let socket: OwnedFd = fcntl_dupfd_cloexec(stdin.as_fd(), 3)?;
    fcntl_setfd(stdin.as_fd(), FdFlags::CLOEXEC)?;
    let socket = UnixStream::from(socket);
    // Standard input of something that was started by hand is no socket.
    socket.local_addr()?;
    Ok(socket)
}

/// Asks the kernel to end this process with its parent, also if the parent is gone already.
fn die_with(parent: i32) {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    live_with(parent);
}

/// Ends this process if the parent is gone already.
#[expect(clippy::exit, reason = "there is nobody left to return to")]
fn live_with(parent: i32) {
    if Pid::as_raw(getppid()) != parent {
        std::process::exit(UNHEARD);
    }
}
