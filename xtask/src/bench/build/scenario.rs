//! What is measured.

use std::fmt;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// A Django application with local wheels; the builder knows nothing yet.
    Cold,
    /// The same commit again.
    Unchanged,
    /// One source file changed.
    Source,
    /// The requirements changed, so that pip runs.
    Requirements,
    /// A context of 2 GB of which the Dockerfile takes a few files; the builder knows nothing yet.
    Context,
    /// One of those files changed.
    ContextSource,
    /// 40 steps in 8 stages; the builder knows nothing yet but finds the base in the registry.
    Stages,
}

impl Scenario {
    /// True where the builder is to know nothing.
    pub(super) fn is_cold(self) -> bool {
        matches!(self, Self::Cold | Self::Context | Self::Stages)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cold => "Django app, cold",
            Self::Unchanged => "Django app, unchanged commit",
            Self::Source => "Django app, one source file changed",
            Self::Requirements => "Django app, requirements changed",
            Self::Context => "context of 2 GB, cold",
            Self::ContextSource => "context of 2 GB, one file changed",
            Self::Stages => "40 steps in 8 stages, cold",
        })
    }
}
