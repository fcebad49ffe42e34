//! A task that has to end well before a release is rolled out, as a change of the database: a Job, once for each commit.
//!
//! The Job's name carries the commit, so that one of another release is never taken for it (argoproj/argo-cd#25475) and one
//! that is left over is in nobody's way (treeverse/charts#140). It runs before anything else is changed.

mod job;
mod jobs;
mod logs;
mod run;

pub use self::{
    job::name,
    run::{Options, migrate, stop},
};

use std::time::Duration;

use crate::{ObjectId, RequestError, apply, rollout::Outcome};

/// What has to end well before a release is rolled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// How long a migration may take where nobody says.
pub const TIMEOUT: Duration = Duration::from_mins(10);

/// How a migration ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrated {
    /// It has run.
    Now,
    /// It had run before for this commit.
    Before,
}

/// The error returned when a migration did not end well. Nothing of the release was applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no workload to take the container from.
    #[error("no workload runs `{image}`, so that there is nothing to migrate with")]
    NoWorkload {
        /// The image.
        image: String,
    },
    /// What the Job needs could not be made.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A Job that failed before does not go away.
    #[error("{job} of an earlier attempt is still being deleted")]
    NotDeleted {
        /// The Job.
        job: ObjectId,
    },
    /// The Job failed or was out of time.
    #[error("the migration failed: {}", reason(outcome))]
    Failed {
        /// The Job.
        job: ObjectId,
        /// How it ended.
        outcome: Box<Outcome>,
    },
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { diagnoses } | Outcome::TimedOut { diagnoses, .. }
            if !diagnoses.is_empty() =>
        {
            format!("{}: {}", diagnoses[0].place, diagnoses[0].summary)
        }
        Outcome::TimedOut { after, .. } => format!("it had not ended after {} s", after.as_secs()),
        _ => "it did not end well".into(),
    }
}

impl Error {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoWorkload { .. } => Some(
                "the command runs in a container like that of the Deployment with the image".into(),
            ),
            Self::Apply(error) => error.hint(),
            Self::Request(error) => error.hint(),
            Self::NotDeleted { job } => {
                Some(format!("`kubectl get {job} -o yaml` names its finalizers"))
            }
            Self::Failed { outcome, .. } => match &**outcome {
                Outcome::Failed { diagnoses } | Outcome::TimedOut { diagnoses, .. } => {
                    diagnoses.first()?.hint.clone()
                }
                Outcome::Complete => None,
            },
        }
    }
}
