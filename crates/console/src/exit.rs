//! What kind of failure it was, and the exit code that tells a pipeline so. The only place where a code is a number.

use std::process::ExitCode;

/// The kind of a failure. A pipeline branches on it: retry a [`Kind::Network`], never a [`Kind::Configuration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A bug of ours, or a machine that misbehaves.
    Internal,
    /// The command line does not say something that can be done.
    Usage,
    /// A file, a setting or a credential is missing or wrong; the same input fails again.
    Configuration,
    /// A server knows who asks and says no, or does not accept who asks.
    Denied,
    /// A server could not be reached or broke off, after all retries.
    Network,
    /// Somebody else's state is in the way: a tag with another digest, a lock, a newer release.
    Conflict,
    /// Somebody else does the same at this moment; later it may go.
    Locked,
    /// The cluster refused an object.
    Rejected,
    /// The work itself failed: a RUN, a rollout.
    Failed,
    /// The rollout failed and the previous release runs again.
    RolledBack,
    /// The rollout failed and so did going back.
    RollbackFailed,
    /// What is compared differs: a rebuilt image, or what runs from what would be deployed.
    Differs,
    /// Time ran out.
    TimedOut,
    /// Ctrl-C (SIGINT).
    Interrupted,
    /// SIGTERM, as runners send it when a job is cancelled.
    Terminated,
}

impl Kind {
    /// Returns the exit code: the same in both binaries, and part of what they promise.
    ///
    /// ```
    /// use notes_console::Kind;
    ///
    /// assert_eq!(Kind::Configuration.code(), 3);
    /// assert_eq!(Kind::Interrupted.code(), 130);
    /// ```
    pub const fn code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Denied => 4,
            Self::Network => 5,
            Self::Conflict => 6,
            Self::Rejected => 7,
            Self::Failed => 8,
            Self::RolledBack => 9,
            Self::RollbackFailed => 10,
            Self::Differs => 11,
            Self::Locked => 12,
            Self::TimedOut => 70,
            // 128 + the signal's number, as a shell reports it.
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        Self::from(kind.code())
    }
}
