//! Running a command, as seen from the program.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cancel::Cancel;
use crate::child::{MOUNT, OVERLAY};
use crate::command::{Command, Network};
use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::mounts::Mount;
use crate::output::{Exit, Output};
use crate::program::Program;
use crate::wire::{self, Failure, FailureKind, Report, Request, Run};

/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

/// The error returned when a command did not run to its own end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// This machine offers no way to run commands.
    #[error("no command can run here: {reason}")]
    NotOffered {
        /// The rung the process is on.
        isolation: Isolation,
        /// Why there is no better one.
        reason: String,
    },
    /// There is no program to run.
    #[error("the command is empty")]
    Empty,
    /// The user or a group of the command does not exist inside.
    #[error("id {id} of the command's user cannot be used: only {ids} can")]
    IdNotMapped {
        /// The user or group id.
        id: u32,
        /// The ids that exist.
        ids: Ids,
    },
    /// The program is not in the image.
    #[error("`{program}` is not in the image")]
    NotFound {
        /// The first word of the command.
        program: String,
        /// The `PATH` that was searched, if it was.
        path: Option<String>,
    },
    /// The program names an interpreter or loader that is not in the image.
    #[error("the interpreter of `{program}` is not in the image")]
    NoInterpreter {
        /// The first word of the command.
        program: String,
    },
    /// The program is there and the kernel does not execute it.
    #[error("`{program}` cannot be executed")]
    NotExecutable {
        /// The first word of the command.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The working directory cannot be entered.
    #[error("the working directory `{}` cannot be entered", path.display())]
    Directory {
        /// The directory inside the root.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The machine refused something that the sandbox needs.
    #[error("failed to {doing}")]
    Setup {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The sandbox itself was killed, as the kernel does when memory runs out.
    #[error("the sandbox of `{program}` was killed from outside")]
    Killed {
        /// The first word of the command.
        program: String,
    },
    /// It ran longer than it may, and was ended.
    #[error("`{program}` was ended after {} s", after.as_secs_f64())]
    TimedOut {
        /// The first word of the command.
        program: String,
        /// The limit.
        after: Duration,
    },
    /// The caller ended it.
    #[error("`{program}` was cancelled")]
    Cancelled {
        /// The first word of the command.
        program: String,
    },
}

impl RunError {
    /// Returns what a person can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::IdNotMapped { ids, .. } => ids.hint(),
            Self::NotFound { program, .. } if is_shell(program) => Some(format!(
                "the image has no `{program}`: use the exec form, RUN [\"/program\", \"argument\"], or \
                 run it in a stage that has a shell"
            )),
            Self::NotFound { path: Some(path), .. } => Some(format!("PATH is `{path}`")),
            Self::NoInterpreter { .. } => Some(
                "a script's `#!` line (perhaps with a carriage return at its end) or a dynamic \
                 program's loader names a file that the image lacks"
                    .to_owned(),
            ),
            Self::NotExecutable { source, .. } => not_executable(source.raw_os_error()?),
            Self::Setup { source, .. } if source.raw_os_error() == Some(libc::ENOSPC) => {
                Some("the disk is full".to_owned())
            }
            _ => None,
        }
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program, "/bin/sh" | "/bin/bash" | "sh" | "bash")
}

fn not_executable(errno: i32) -> Option<String> {
    let hint = match errno {
        libc::ENOEXEC => "it is a program for another architecture, or a script without `#!` line",
        libc::EACCES => "it lacks the execute permission for this user",
        libc::E2BIG => "arguments and environment are larger than the kernel takes",
        _ => return None,
    };
    Some(hint.to_owned())
}

pub(crate) fn run(
    program: &Program,
    ids: &Ids,
    command: &Command,
    output: &mut dyn Output,
    cancel: &Cancel,
) -> Result<Exit, RunError> {
    let command = checked(command, ids)?;
    let _swept = Swept(&command.root.work);
    let setup = |doing: &str| {
        let doing = doing.to_owned();
        move |source| RunError::Setup { doing, source }
    };
    let (child, socket) = program.start().map_err(setup("start a process"))?;
    let mut running = Running { child, socket };
    let request = Request::Run(Box::new(Run {
        resolv_conf: fs::read("/etc/resolv.conf").unwrap_or_default(),
        hosts: hosts(&command).into_bytes(),
        ids: ids.clone(),
        parent: pid(),
        command: command.clone(),
    }));
    wire::send(&running.socket, &request).map_err(setup("talk to the child"))?;
    let deadline = command.timeout.map(|timeout| Instant::now() + timeout);
    let (report, stopped) =
        running.follow(output, cancel, deadline).map_err(setup("follow the command"))?;
    let first = || command.argv[0].clone();
    match (report, stopped) {
        (_, Some(Stop::Cancelled)) => Err(RunError::Cancelled { program: first() }),
        (_, Some(Stop::TimedOut)) => {
            Err(RunError::TimedOut { program: first(), after: command.timeout.unwrap_or_default() })
        }
        (Some(Report::Exited(exit)), None) => Ok(exit),
        (Some(Report::Failed(failure)), None) => Err(error(failure, &command)),
        (_, None) => Err(RunError::Killed { program: first() }),
    }
}

/// Checks what can be known beforehand, and makes paths absolute, as the child changes directory.
fn checked(command: &Command, ids: &Ids) -> Result<Command, RunError> {
    if command.argv.is_empty() {
        return Err(RunError::Empty);
    }
    let user = &command.user;
    let missing = (!ids.has_user(user.uid))
        .then_some(user.uid)
        .or_else(|| user.groups.iter().copied().chain([user.gid]).find(|gid| !ids.has_group(*gid)));
    if let Some(id) = missing {
        return Err(RunError::IdNotMapped { id, ids: ids.clone() });
    }
    let mut command = command.clone();
    let root = &mut command.root;
    let paths = root.lowers.iter_mut().chain([&mut root.upper, &mut root.work]);
    let sources = command.mounts.iter_mut().filter_map(|mount| match mount {
        Mount::Bind { source, .. } | Mount::Cache { source, .. } => Some(source),
        Mount::Ssh { socket, .. } => Some(socket),
        Mount::Tmpfs { .. } | Mount::Secret { .. } => None,
    });
    for path in paths.chain(sources) {
        *path = std::path::absolute(&*path).map_err(|source| RunError::Setup {
            doing: format!("find `{}`", path.display()),
            source,
        })?;
    }
    Ok(command)
}

/// Writes the command's `/etc/hosts`: its own name, what the caller adds, and with the machine's
/// network the machine's lines too, as `docker run --network=host` has them.
fn hosts(command: &Command) -> String {
    let mut hosts = format!("127.0.0.1 localhost {}\n::1 localhost\n", command.hostname);
    for (address, name) in &command.hosts {
        let _ = writeln!(hosts, "{address} {name}");
    }
    if command.network == Network::Host {
        hosts.push_str(&fs::read_to_string("/etc/hosts").unwrap_or_default());
    }
    hosts
}

pub(crate) fn pid() -> i32 {
    i32::try_from(process::id()).expect("process ids fit into pid_t")
}

fn error(failure: Failure, command: &Command) -> RunError {
    let program = command.argv[0].clone();
    let source = failure.source();
    match failure.kind {
        FailureKind::Setup => RunError::Setup { doing: failure.doing, source },
        FailureKind::Directory => RunError::Directory { path: command.directory.clone(), source },
        FailureKind::NoInterpreter => RunError::NoInterpreter { program },
        FailureKind::NotExecutable => RunError::NotExecutable { program, source },
        FailureKind::NotFound => {
            let path = command.env.iter().rev().find(|(name, _)| name == "PATH");
            let path = path.filter(|_| !program.contains('/')).map(|(_, value)| value.clone());
            RunError::NotFound { program, path }
        }
    }
}

/// Why the program itself ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Cancelled,
    TimedOut,
}

/// A child that is over, with all below it, when this is dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    socket: UnixStream,
}

impl Running {
    /// Passes output on until the child and all that holds its pipes are gone.
    fn follow(
        &mut self,
        output: &mut dyn Output,
        cancel: &Cancel,
        deadline: Option<Instant>,
    ) -> io::Result<(Option<Report>, Option<Stop>)> {
        let (mut stdout, mut stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut report, mut stopped, mut hung_up) = (None, None, false);
        let mut chunk = vec![0; CHUNK];
        while stdout.is_some() || stderr.is_some() || !hung_up {
            let ready = {
                let limit = deadline.filter(|_| stopped.is_none());
                let event = cancel.event().filter(|_| stopped.is_none());
                let socket = (!hung_up).then(|| self.socket.as_fd());
                let pipes = [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
                wait([pipes[0], pipes[1], socket, event], limit)?
            };
            if ready[0] && !pass(&mut stdout, &mut chunk, |chunk| output.stdout(chunk))? {
                stdout = None;
            }
            if ready[1] && !pass(&mut stderr, &mut chunk, |chunk| output.stderr(chunk))? {
                stderr = None;
            }
            if ready[2] {
                match wire::receive(&self.socket)? {
                    // A command that could not start and the init that reports its exit both
                    // speak; the first knows more.
                    Some(message) => report = report.or(Some(message)),
                    None => hung_up = true,
                }
            }
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if stopped.is_none() && report.is_none() && (ready[3] || late) {
                stopped = Some(if ready[3] { Stop::Cancelled } else { Stop::TimedOut });
                self.socket.shutdown(Shutdown::Write)?;
            }
        }
        self.child.wait()?;
        Ok((report, stopped))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The child ends init when the socket closes, and waits until its world is gone.
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.child.wait();
    }
}

/// Waits until a descriptor has something, or the time has come.
fn wait<const N: usize>(
    files: [Option<BorrowedFd<'_>>; N],
    deadline: Option<Instant>,
) -> io::Result<[bool; N]> {
    let mut events: Vec<PollFd<'_>> =
        files.iter().flatten().map(|file| PollFd::from_borrowed_fd(*file, PollFlags::IN)).collect();
    let timeout = deadline.map(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        }
    });
    match poll(&mut events, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut events = events.iter().map(|event| !event.revents().is_empty());
    Ok(files.map(|file| file.is_some() && events.next().unwrap_or(false)))
}

/// Hands over one piece; `false` at the end.
fn pass(
    from: &mut Option<impl Read>,
    chunk: &mut [u8],
    mut to: impl FnMut(&[u8]),
) -> io::Result<bool> {
    let Some(from) = from else { return Ok(false) };
    match from.read(chunk) {
        Ok(0) => Ok(false),
        Ok(length) => {
            to(&chunk[..length]);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes from the work directory what a command needed there.
#[derive(Debug)]
struct Swept<'a>(&'a Path);

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        let Ok(entries) = fs::read_dir(self.0) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let ours = name == MOUNT
                || name == OVERLAY
                || name.as_encoded_bytes().starts_with(b"discarded-");
            if ours {
                // What stays is in the caller's work directory, which the caller removes.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}
