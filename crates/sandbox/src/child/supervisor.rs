//! The processes around a command.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open,
    set_dumpable_behavior, set_parent_process_death_signal, wait, waitpid,
};

use crate::child::{execute, root, single};
use crate::command::Network;
use crate::ids::Ids;
use crate::output::Exit;
use crate::sys::{self, Forked, NameSpaces, SingleThreaded};
use crate::wire::{self, Doing, Failure, Report, Run};

/// Runs a command: starts init in its own world and ends it when the parent hangs up.
pub(crate) fn serve(alone: SingleThreaded, socket: &UnixStream, run: Run) -> Result<(), Failure> {
    let spaces = match run.command.network {
        Network::Host => NameSpaces::PROCESS,
        Network::None => NameSpaces::PROCESS.with(NameSpaces::NETWORK),
    };
    sys::unshare(alone, spaces).doing(|| "make name spaces".to_owned())?;
    match sys::fork(alone).doing(|| "start a process".to_owned())? {
        Forked::Child => leave(init(alone, socket, &run), socket),
        Forked::Parent(init) => {
            drop(run);
            watch(init, socket.as_fd()).doing(|| "wait for the command".to_owned())
        }
    }
}

/// Waits for init, and ends it if the parent closes the socket first.
fn watch(init: Pid, socket: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let ended = pidfd_open(init, PidfdFlags::empty())?;
    loop {
        let mut events = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::new(&socket, PollFlags::RDHUP | PollFlags::HUP),
        ];
        match poll(&mut events, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let [ended, socket] = events.map(|event| !event.revents().is_empty());
        if socket && !ended {
            // Not reaped yet, so the number is still init's.
            kill_process(init, Signal::KILL)?;
        }
        if socket || ended {
            // The kernel lets init be reaped only when all of its world is gone.
            waitpid(Some(init), WaitOptions::empty())?;
            return Ok(());
        }
    }
}

/// Is pid 1: makes the root file system, starts the command, adopts and reaps what it leaves
/// behind, and takes all of that along when the command ends.
fn init(alone: SingleThreaded, socket: &UnixStream, run: &Run) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing(|| "follow the parent".to_owned())?;
    // Keeps the command away from /proc/1: memory, environment and the program itself.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).doing(|| "hide init".to_owned())?;
    root::enter(alone, run)?;
    if run.command.network == Network::None {
        sys::raise_loopback().doing(|| "bring up the loopback device".to_owned())?;
    }
    let doing = || "follow owners of files".to_owned();
    let pair = match run.ids {
        Ids::Single if single::is_possible() => Some(UnixStream::pair().doing(doing)?),
        Ids::Single | Ids::All | Ids::Ranges { .. } => None,
    };
    match sys::fork(alone).doing(|| "start a process".to_owned())? {
        Forked::Child => {
            let (ours, theirs) = pair.unzip();
            drop(theirs);
            let failure = execute::command(alone, &run.command, &run.ids, ours.as_ref());
            leave(Err(failure), socket)
        }
        Forked::Parent(command) => {
            let (theirs, ours) = pair.unzip();
            drop(theirs);
            let books = ours.map(|ours| single::serve(&ours)).transpose().doing(doing)?;
            let exit = reap(command).doing(|| "wait for the command".to_owned())?;
            if let Some(lost) = books.map(|books| books.close()).filter(|lost| *lost > 0) {
                tell(lost);
            }
            // A parent that is gone needs no answer.
            let _ = wire::send(socket, &Report::Exited(exit));
            Ok(())
        }
    }
}

/// Says among what the command wrote that owners are lost.
fn tell(lost: usize) {
    let text = format!(
        "warning: {lost} links or pipes belong to root: with a single user id their owners cannot be kept\n"
    );
    // Who does not read what the command writes does not read this.
    let _ = rustix::io::write(std::io::stderr(), text.as_bytes());
}

/// Reaps every process until the command is among them.
fn reap(command: Pid) -> rustix::io::Result<Exit> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Ok(exit(status)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn exit(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}

/// Ends a forked process, after a word to the parent if something failed. The first word counts.
#[expect(clippy::exit, reason = "a forked process must not return into its parent's code")]
pub(crate) fn leave(result: Result<(), Failure>, socket: &UnixStream) -> ! {
    if let Err(failure) = result {
        let _ = wire::send(socket, &Report::Failed(failure));
        process::exit(super::UNHEARD);
    }
    process::exit(0)
}
