//! Why a build fails.

use std::{error, fmt, io, iter, path::PathBuf, time::Duration};

use notes_dockerfile::{ExpandError, ParseError, PortError, Span};
use notes_oci::{Digest, Reference};
use notes_sandbox::{Exit, RunError, ViewError};

use super::{
    AddressError, FetchError,
    copy::{self, remote::shown},
    owner::LookupError,
};
use crate::{plan, store::UnpackError};

/// The error returned when a plan cannot be carried out.
#[derive(Debug)]
pub struct Error {
    /// What went wrong.
    pub problem: Problem,
    /// The instruction in the Dockerfile; for a trigger of the base image, the `FROM`.
    pub span: Option<Span>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

/// The message is the problem's, and so is the cause: a chain that is printed says each thing once.
impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.problem.source()
    }
}

/// What went wrong in a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A base image, or one that is copied from, could not be read.
    #[error("failed to read the image `{reference}`")]
    Image {
        /// The image.
        reference: Box<Reference>,
        /// Why not.
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// The base is for another platform.
    #[error("`{reference}` is for {found}, not for {wanted}")]
    Platform {
        /// The image.
        reference: Box<Reference>,
        /// The platform wanted.
        wanted: String,
        /// The platform it is for.
        found: String,
    },
    /// A layer that a step reads could not be unpacked.
    #[error("failed to prepare the file system")]
    Unpack {
        /// Why not.
        source: UnpackError,
    },
    /// Files could not be copied.
    #[error(transparent)]
    Copy {
        /// Why not.
        source: copy::Error,
    },
    /// A variable cannot be put in.
    #[error("a variable cannot be expanded")]
    Expand {
        /// Why not.
        source: ExpandError,
    },
    /// A value of an instruction is not what it must be.
    #[error("`{value}` is not {expected}")]
    Value {
        /// The value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// `EXPOSE` has something that is no port.
    #[error("a port cannot be read")]
    Port {
        /// Why not.
        source: PortError,
    },
    /// A user or a group is not in the image.
    #[error(transparent)]
    Owner {
        /// Which one.
        source: LookupError,
    },
    /// A trigger of the base image cannot be read.
    #[error("the base image's trigger `{text}` cannot be read")]
    Trigger {
        /// The trigger.
        text: String,
        /// Why not.
        source: Box<ParseError>,
    },
    /// Something in a trigger or a value is not supported, or refers to what is not there.
    #[error(transparent)]
    Plan {
        /// What.
        source: Box<plan::Error>,
    },
    /// `COPY` of something that is not a local file.
    #[error("`COPY` cannot copy from the URL `{}`", shown(url))]
    CopyOfUrl {
        /// The source.
        url: String,
    },
    /// The address of a git repository cannot be used.
    #[error("the repository `{}` cannot be added", shown(url))]
    Address {
        /// The source.
        url: String,
        /// Why not.
        source: AddressError,
    },
    /// A git repository could not be read.
    #[error("failed to fetch the repository `{}`", shown(url))]
    Repository {
        /// The source.
        url: String,
        /// Why not.
        source: FetchError,
    },
    /// A git repository has no such branch or tag.
    #[error("the repository `{}` has no branch or tag `{name}`", shown(url))]
    NoName {
        /// The source.
        url: String,
        /// What was asked for.
        name: String,
    },
    /// A git repository has no branch that is its default.
    #[error("the repository `{}` has no default branch", shown(url))]
    NoDefault {
        /// The source.
        url: String,
    },
    /// A name of a git repository stands for another commit than it was to.
    #[error(
        "the repository `{}` is at the commit {found}, and was to be at {expected}",
        shown(url)
    )]
    OtherCommit {
        /// The source.
        url: String,
        /// What the checksum says.
        expected: String,
        /// The commit.
        found: String,
    },
    /// `ADD` of a URL in a build that was given no means to download.
    #[error("this build cannot download `{}`", shown(url))]
    NoNetwork {
        /// The URL.
        url: String,
    },
    /// A file could not be downloaded.
    #[error("failed to download `{}`", shown(url))]
    Fetch {
        /// The URL.
        url: String,
        /// Why not.
        source: FetchError,
    },
    /// What was downloaded is something else.
    #[error("`{}` has the checksum {found}, and was to have {expected}", shown(url))]
    Checksum {
        /// The URL.
        url: String,
        /// What `--checksum` says.
        expected: Box<Digest>,
        /// What was downloaded.
        found: Box<Digest>,
    },
    /// `--checksum` beside something else than one URL.
    #[error("`--checksum={checksum}` is not for one URL")]
    ChecksumOfFiles {
        /// The checksum.
        checksum: String,
    },
    /// The command of a `RUN` failed.
    #[error("the command failed with {exit}")]
    Failed {
        /// How it ended.
        exit: Exit,
        /// What to do about it, if the cause is a frequent one.
        advice: Option<String>,
        /// The last lines it wrote.
        output: Vec<String>,
    },
    /// The command of a `RUN` took longer than it may, and was ended with all its processes.
    #[error("the command took longer than {} s and was ended", after.as_secs_f64())]
    TimedOut {
        /// How long it may take.
        after: Duration,
        /// The last lines it wrote.
        output: Vec<String>,
    },
    /// The command of a `RUN` did not run.
    #[error(transparent)]
    Run {
        /// Why not.
        source: RunError,
    },
    /// There is a `RUN`, and nothing that runs commands.
    #[error("this build cannot run commands")]
    NoSandbox,
    /// A required secret was not given.
    #[error("the secret `{id}` is required and was not given")]
    Secret {
        /// Its id.
        id: String,
    },
    /// A required SSH agent was not given.
    #[error("the SSH agent `{id}` is required and was not given")]
    Agent {
        /// Its id.
        id: String,
    },
    /// An SSH agent does not answer.
    #[error("the SSH agent at `{}` cannot be used", path.display())]
    AgentSocket {
        /// Its socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A further context was planned with and not given.
    #[error("the context `{name}` was not given")]
    Context {
        /// Its name.
        name: String,
    },
    /// What a bind mount names is not there.
    #[error("`{path}` is not there to be mounted")]
    MountSource {
        /// The path.
        path: String,
    },
    /// A stage or an image could not be mounted.
    #[error(transparent)]
    View {
        /// Why not.
        source: ViewError,
    },
    /// The store could not be read or written.
    #[error("failed to use the store")]
    Store {
        /// Why not.
        source: io::Error,
    },
}

impl Problem {
    pub(crate) fn at(self, span: Span) -> Error {
        Error { problem: self, span: Some(span) }
    }
}

impl From<copy::Error> for Problem {
    fn from(source: copy::Error) -> Self {
        Self::Copy { source }
    }
}

impl From<UnpackError> for Problem {
    fn from(source: UnpackError) -> Self {
        Self::Unpack { source }
    }
}

impl From<LookupError> for Problem {
    fn from(source: LookupError) -> Self {
        Self::Owner { source }
    }
}

impl From<ExpandError> for Problem {
    fn from(source: ExpandError) -> Self {
        Self::Expand { source }
    }
}

impl From<io::Error> for Problem {
    fn from(source: io::Error) -> Self {
        Self::Store { source }
    }
}

impl Error {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Copy { source } => source.hint(),
            Problem::Expand { source } => source.hint(),
            Problem::Port { source } => source.hint(),
            Problem::Owner { source } => source.hint(),
            Problem::Trigger { source, .. } => source.hint(),
            Problem::Plan { source } => source.hint(),
            Problem::Run { source } => source.hint(),
            Problem::Failed { advice, .. } => advice.clone(),
            Problem::CopyOfUrl { .. } => Some("`ADD` downloads files".into()),
            Problem::Address { source, .. } => source.hint(),
            Problem::NoName { .. } => {
                Some("name a branch, a tag, or a commit by all of its digits".into())
            }
            Problem::NoDefault { .. } => Some("name one: `.git#BRANCH`".into()),
            Problem::OtherCommit { .. } => Some(
                "the branch or tag has moved; look at what is new before you change the checksum"
                    .into(),
            ),
            Problem::NoNetwork { .. } => Some("fetch it earlier, and `COPY` it".into()),
            Problem::Fetch { source, .. } | Problem::Repository { source, .. } => source.hint(),
            Problem::Checksum { .. } => Some(
                "the file has changed, or it is not the one that was meant; look at it before you change the checksum"
                    .into(),
            ),
            Problem::ChecksumOfFiles { .. } => {
                Some("give each URL an `ADD` of its own; files of the context are pinned by the commit".into())
            }
            Problem::Platform { .. } => Some(
                "commands of another platform cannot run here; `FROM --platform` chooses another base"
                    .into(),
            ),
            Problem::Agent { id } => Some(format!("give it with `--ssh {id}=SOCKET`")),
            Problem::Secret { id } => Some(format!("give it with `--secret id={id},src=FILE`")),
            _ => None,
        }
    }

    /// Tells whether a disk is full: that of the store, which holds also what commands write.
    pub fn is_disk_full(&self) -> bool {
        match &self.problem {
            Problem::Failed { output, .. } => {
                output.iter().any(|line| line.to_lowercase().contains("no space left on device"))
            }
            problem => causes(problem).any(|error| {
                let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
                error.downcast_ref::<io::Error>().is_some_and(|error| full.contains(&error.kind()))
            }),
        }
    }

    /// Returns the last lines of a command that failed or was ended.
    pub fn output(&self) -> &[String] {
        match &self.problem {
            Problem::Failed { output, .. } | Problem::TimedOut { output, .. } => output,
            _ => &[],
        }
    }
}

/// Returns an error and what caused it. An [`io::Error`] that wraps an error leaves that one out of its own causes.
fn causes<'a>(
    error: &'a (dyn error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn error::Error + 'static)> {
    iter::successors(Some(error), |error| match error.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper.get_ref().map(|inner| inner as _),
        None => error.source(),
    })
}
