//! Following a child to its end, and ending it before.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cancel::Cancel;
use crate::output::Output;
use crate::wire::{self, Report};

/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

/// Why the program itself ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Cancelled,
    TimedOut,
}

/// A child that is over, with all below it, when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
}

impl Running {
    /// Passes output on until the child and all that holds its pipes are gone.
    pub(crate) fn follow(
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
                let events = cancel.events().map(|event| Some(event).filter(|_| stopped.is_none()));
                let socket = (!hung_up).then(|| self.socket.as_fd());
                let pipes = [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
                let own = [pipes[0], pipes[1], socket];
                wait(&own.into_iter().chain(events).collect::<Vec<_>>(), limit)?
            };
            let cancelled = ready[3..].contains(&true);
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
            if stopped.is_none() && report.is_none() && (cancelled || late) {
                stopped = Some(if cancelled { Stop::Cancelled } else { Stop::TimedOut });
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
fn wait(files: &[Option<BorrowedFd<'_>>], deadline: Option<Instant>) -> io::Result<Vec<bool>> {
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
    Ok(files.iter().map(|file| file.is_some() && events.next().unwrap_or(false)).collect())
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
