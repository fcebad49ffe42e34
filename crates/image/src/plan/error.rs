//! Why a Dockerfile cannot be planned.

use std::{error, fmt};

use notes_dockerfile::{ExpandError, Span};
use notes_oci::{Platform, PlatformError, ReferenceError};

/// The error returned when a Dockerfile cannot be planned.
#[derive(Debug)]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// Where it stands in the Dockerfile; `None` if the caller's choices are wrong.
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

/// What is wrong with a Dockerfile that parses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such stage to build.
    #[error("the Dockerfile has no stage `{target}`")]
    UnknownTarget {
        /// What was asked for.
        target: String,
        /// The stages there are.
        stages: Vec<String>,
    },
    /// `--from` names a stage that is not built yet.
    #[error("`{name}` is this stage or a later one")]
    LaterStage {
        /// The name or number.
        name: String,
    },
    /// A base name is empty after its variables were put in.
    #[error("the name of the base image is empty")]
    EmptyBase,
    /// A name is no image reference.
    #[error("`{name}` is not the name of an image")]
    Reference {
        /// The name.
        name: String,
        /// Why not.
        source: ReferenceError,
    },
    /// `--platform` is empty after its variables were put in.
    #[error("the platform is empty")]
    EmptyPlatform,
    /// `--platform` is no platform.
    #[error("the platform is not known")]
    Platform {
        /// Why not.
        source: PlatformError,
    },
    /// A variable cannot be put in.
    #[error("a variable cannot be expanded")]
    Expand {
        /// Why not.
        source: ExpandError,
    },
    /// A command is for another platform than the machine's.
    #[error("this command is for {wanted}, and this machine runs {machine}")]
    Emulation {
        /// The platform of the stage.
        wanted: Box<Platform>,
        /// The platform of the machine.
        machine: Box<Platform>,
    },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error(
        "the build argument `SOURCE_DATE_EPOCH` is `{text}`, not a number of seconds since 1970"
    )]
    Epoch {
        /// What was given.
        text: String,
    },
    /// The language has it and this builder does not.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: String,
        /// What to do about it.
        instead: &'static str,
    },
}

impl Problem {
    pub(crate) fn at(self, span: Span) -> Error {
        Error { problem: self, span: Some(span) }
    }
}

impl From<ExpandError> for Error {
    fn from(source: ExpandError) -> Self {
        let span = source.span;
        Problem::Expand { source }.at(span)
    }
}

impl Error {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownTarget { stages, .. } if stages.is_empty() => {
                Some("no stage has a name; use its number".into())
            }
            Problem::UnknownTarget { stages, .. } => {
                Some(format!("the stages are {}", stages.join(", ")))
            }
            Problem::LaterStage { .. } => {
                Some("a stage can use the stages before it; move that one up".into())
            }
            Problem::EmptyBase | Problem::EmptyPlatform => {
                Some("give the `ARG` it comes from a default, before the first `FROM`".into())
            }
            Problem::Reference { source, .. } => source.hint(),
            Problem::Expand { source } => source.hint(),
            Problem::Unsupported { instead, .. } => Some((*instead).into()),
            Problem::Emulation { wanted, .. } => Some(format!(
                "run it in a stage `FROM --platform=$BUILDPLATFORM` and copy what it makes, or build on a machine for {wanted}"
            )),
            Problem::Platform { .. } | Problem::Epoch { .. } => None,
        }
    }
}
