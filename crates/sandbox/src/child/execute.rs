//! The last steps of the process that becomes the command.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, Uid, fchmod};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::child::{capabilities, filter, single};
use crate::command::{Command, DEFAULT_PATH, User};
use crate::detached::c_string;
use crate::ids::Ids;
use crate::sys::{self, SingleThreaded};
use crate::wire::{Doing, Failure, FailureKind};

/// Becomes the command; returns only to say why it could not.
///
/// Where there is a single id, `books` leads to who keeps them.
pub(crate) fn command(
    alone: SingleThreaded,
    command: &Command,
    ids: &Ids,
    books: Option<&UnixStream>,
) -> Failure {
    match become_command(alone, command, ids, books) {
        Err(failure) => failure,
        Ok(never) => match never {},
    }
}

fn become_command(
    alone: SingleThreaded,
    command: &Command,
    ids: &Ids,
    books: Option<&UnixStream>,
) -> Result<Infallible, Failure> {
    // A session of its own has no terminal to push keystrokes into.
    rustix::process::setsid().doing(|| "start a session".to_owned())?;
    sys::leave_keyring();
    sys::reset_signals(alone);
    rustix::process::umask(Mode::from_raw_mode(0o022));
    standard_streams().doing(|| "set up the standard streams".to_owned())?;
    enter_directory(&command.directory)?;
    filter::install().doing(|| "filter system calls".to_owned())?;
    let doing = || "give up capabilities".to_owned();
    capabilities::reduce_bounding_set().doing(doing)?;
    become_user(&command.user, ids)
        .doing(|| format!("become user {}:{}", command.user.uid, command.user.gid))?;
    if let Some(books) = books {
        // While there is the right to.
        single::begin(alone, books).doing(|| "follow owners of files".to_owned())?;
    }
    capabilities::reduce().doing(doing)?;
    sys::close_on_exec_from_3().doing(|| "close descriptors".to_owned())?;
    execute(command)
}

/// Standard input becomes `/dev/null`; the pipes of output become everyone's, so that opening
/// `/dev/stdout` works for any user, also behind `su` (<https://github.com/moby/moby/issues/31243>).
fn standard_streams() -> io::Result<()> {
    let null = File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let mode = Mode::from_raw_mode(0o666);
    fchmod(io::stdout().as_fd(), mode)?;
    fchmod(io::stderr().as_fd(), mode)?;
    Ok(())
}

fn enter_directory(directory: &Path) -> Result<(), Failure> {
    std::env::set_current_dir(directory)
        .doing(|| format!("enter the working directory `{}`", directory.display()))
        .map_err(|failure| Failure { kind: FailureKind::Directory, ..failure })
}

pub(crate) fn become_user(user: &User, ids: &Ids) -> rustix::io::Result<()> {
    // With a single id the kernel refuses setgroups altogether (user_namespaces(7)).
    if *ids != Ids::Single {
        let groups: Vec<Gid> = user.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        set_thread_groups(&groups)?;
    }
    let gid = Gid::from_raw(user.gid);
    set_thread_res_gid(gid, gid, gid)?;
    let uid = Uid::from_raw(user.uid);
    set_thread_res_uid(uid, uid, uid)
}

/// Tries each place a program can be in, as `execvp` does.
fn execute(command: &Command) -> Result<Infallible, Failure> {
    let program = command.argv.first().map_or("", String::as_str);
    let doing = || format!("execute `{program}`");
    let strings = |strings: &mut dyn Iterator<Item = String>| {
        strings.map(c_string).collect::<io::Result<Vec<_>>>()
    };
    let arguments = strings(&mut command.argv.iter().cloned()).doing(doing)?;
    let environment =
        strings(&mut command.env.iter().map(|(name, value)| format!("{name}={value}")))
            .doing(doing)?;
    let mut worst = Failure { kind: FailureKind::NotFound, doing: doing(), errno: libc::ENOENT };
    for candidate in candidates(program, &command.env) {
        let path = c_string(candidate.as_os_str().as_bytes()).doing(doing)?;
        let Err(error) = sys::execve(&path, &arguments, &environment);
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        match kind(errno, &candidate) {
            FailureKind::NotFound => {}
            kind => worst = Failure { kind, doing: doing(), errno },
        }
        // Like execvp, look further only for what the next place may mend.
        if !matches!(errno, libc::ENOENT | libc::ENOTDIR | libc::EACCES) {
            break;
        }
    }
    Err(worst)
}

fn candidates(program: &str, env: &[(String, String)]) -> Vec<PathBuf> {
    if program.contains('/') || program.is_empty() {
        return vec![PathBuf::from(program)];
    }
    let path = env.iter().rev().find(|(name, _)| name == "PATH");
    let path = path.map_or(DEFAULT_PATH, |(_, value)| value);
    path.split(':')
        .map(|place| Path::new(if place.is_empty() { "." } else { place }).join(program))
        .collect()
}

fn kind(errno: i32, candidate: &Path) -> FailureKind {
    match errno {
        // The kernel says the same of a missing program and of a missing interpreter.
        libc::ENOENT if fs::metadata(candidate).is_ok() => FailureKind::NoInterpreter,
        libc::ENOENT | libc::ENOTDIR => FailureKind::NotFound,
        _ => FailureKind::NotExecutable,
    }
}
