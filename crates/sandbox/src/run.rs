//! Running a command, as seen from the program.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::command::{Command, Network};
use crate::follow::{Running, Stop};
use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::mounts::Mount;
use crate::output::{Exit, Output};
use crate::program::Program;
use crate::wire::{self, Failure, FailureKind, Report, Request};

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
        /// What would allow one, where that is known.
        remedy: Option<String>,
    },
    /// The rung lacks what the command asks for.
    #[error("isolation `{isolation}` cannot give a command {what}")]
    NotSupported {
        /// The rung.
        isolation: Isolation,
        /// What it cannot give.
        what: String,
        /// What to do about it.
        instead: &'static str,
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
            Self::NotOffered { remedy, .. } => remedy.clone(),
            Self::NotSupported { instead, .. } => Some((*instead).to_owned()),
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

/// Starts the child for `request`, which is about `command`, and follows it to its end.
pub(crate) fn carry_out(
    program: &Program,
    request: &Request,
    command: &Command,
    output: &mut dyn Output,
    cancel: &Cancel,
) -> Result<Exit, RunError> {
    let setup = |doing: &str| {
        let doing = doing.to_owned();
        move |source| RunError::Setup { doing, source }
    };
    let (child, socket) = program.start().map_err(setup("start a process"))?;
    let mut running = Running { child, socket };
    wire::send(&running.socket, request).map_err(setup("talk to the child"))?;
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
        (Some(Report::Failed(failure)), None) => Err(error(failure, command)),
        (_, None) => Err(RunError::Killed { program: first() }),
    }
}

/// Checks what can be known beforehand, and makes paths absolute, as the child changes directory.
pub(crate) fn checked(command: &Command, ids: &Ids) -> Result<Command, RunError> {
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
    let own = [&mut root.upper, &mut root.work].into_iter().chain(&mut root.keep);
    let paths = root.lowers.iter_mut().chain(own);
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
pub(crate) fn hosts(command: &Command) -> Vec<u8> {
    let mut hosts = format!("127.0.0.1 localhost {}\n::1 localhost\n", command.hostname);
    for (address, name) in &command.hosts {
        let _ = writeln!(hosts, "{address} {name}");
    }
    if command.network == Network::Host {
        hosts.push_str(&fs::read_to_string("/etc/hosts").unwrap_or_default());
    }
    hosts.into_bytes()
}

/// Reads the machine's resolver configuration; a machine without one resolves by itself.
pub(crate) fn resolv_conf() -> Vec<u8> {
    fs::read("/etc/resolv.conf").unwrap_or_default()
}

pub(crate) fn pid() -> i32 {
    i32::try_from(process::id()).expect("process ids fit into pid_t")
}

/// A failure before or after the command itself.
impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self::Setup { source: failure.source(), doing: failure.doing }
    }
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
