//! What a command says, and how it ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Receives what a command writes, as it comes: pieces of any length, not lines.
///
/// The two streams are separate pipes, so that their order against each other is that of arrival.
pub trait Output {
    /// Takes a piece of standard output.
    fn stdout(&mut self, chunk: &[u8]) {
        let _ = chunk;
    }

    /// Takes a piece of standard error.
    fn stderr(&mut self, chunk: &[u8]) {
        let _ = chunk;
    }
}

/// An [`Output`] that drops everything.
impl Output for () {}

/// An [`Output`] that keeps everything in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// All of standard error.
    pub stderr: Vec<u8>,
}

impl Output for Captured {
    fn stdout(&mut self, chunk: &[u8]) {
        self.stdout.extend_from_slice(chunk);
    }

    fn stderr(&mut self, chunk: &[u8]) {
        self.stderr.extend_from_slice(chunk);
    }
}

/// How a command ended by itself.
///
/// ```
/// use notes_sandbox::Exit;
///
/// assert!(Exit::Code(0).is_success());
/// assert_eq!(Exit::Code(2).to_string(), "exit status 2");
/// assert_eq!(Exit::Signal(9).to_string(), "signal 9 (SIGKILL)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// It returned this status, 0 to 255.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

impl Exit {
    /// Says whether the status is 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// Returns the status a shell would report: 128 and the signal's number for a signal.
    pub fn shell_status(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exit status {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(formatter, "signal {signal} ({name})"),
                None => write!(formatter, "signal {signal}"),
            },
        }
    }
}

/// Names the signals that end programs; numbers as in signal(7) for `x86_64` and arm64.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}
