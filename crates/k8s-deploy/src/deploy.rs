//! The whole of it: record, apply, follow, record.

use crate::{
    Cluster, ObjectId, Release, Reporter, RequestError,
    apply::{self, Applied, Change, Conflicts, Mark, Namespaces, apply},
    record::{History, Record, State},
    rollout::{self, Outcome, follow},
};

/// Choices for [`deploy`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to do about fields that somebody else owns.
    pub conflicts: Conflicts,
    /// What to do about a namespace that is missing.
    pub namespaces: Namespaces,
    /// How the rollout is followed.
    pub rollout: rollout::Options,
}

/// What a deploy did.
#[derive(Clone, Debug)]
#[must_use]
pub struct Deployed {
    /// The objects and what applying each changed.
    pub applied: Vec<Applied>,
    /// How the rollout ended.
    pub outcome: Outcome,
}

impl Deployed {
    /// Tells whether everything was as wanted before.
    pub fn is_unchanged(&self) -> bool {
        self.applied.iter().all(|applied| applied.change == Change::Unchanged)
    }
}

/// The error returned when a deploy did not come as far as a rollout that could be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The cluster refused an object.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Error {
    /// Returns the object that the cluster refused, where it was one.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Apply(error) => error.object(),
            Self::Request(_) => None,
        }
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Apply(error) => error.hint(),
            Self::Request(error) => error.hint(),
        }
    }
}

/// Applies a release, follows its rollout to the end, and keeps a record of it in the cluster.
///
/// The record is begun before anything is changed, so that a deploy that is killed leaves a trace. An account that may not
/// write records can deploy all the same; that there is none to go back to is reported.
///
/// # Errors
///
/// Only for what kept the rollout from being followed. A rollout that failed is an [`Outcome`].
pub async fn deploy(
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Deployed, Error> {
    let mut journal = Journal::open(cluster, release, reporter).await?;
    let apply_options = apply::Options {
        conflicts: options.conflicts,
        namespaces: options.namespaces,
        marks: journal.marks(),
    };
    // The record needs its namespace, which the apply makes where it is missing.
    let applied = match apply(cluster, release, &apply_options, reporter).await {
        Ok(applied) => applied,
        Err(error) => {
            journal.close(State::Failed(error.to_string()), &[], reporter).await;
            return Err(error.into());
        }
    };
    journal.begin(reporter).await;
    let outcome = follow(cluster, &applied, &options.rollout, reporter).await?;
    let state = match &outcome {
        Outcome::Complete => State::Deployed,
        Outcome::Failed { diagnoses } => State::Failed(
            diagnoses.first().map(|diagnosis| diagnosis.summary.clone()).unwrap_or_default(),
        ),
        Outcome::TimedOut { diagnoses, .. } => State::Failed(match diagnoses.first() {
            Some(first) => format!("not complete in time: {}", first.summary),
            None => "not complete in time".into(),
        }),
    };
    journal.close(state, &applied, reporter).await;
    Ok(Deployed { applied, outcome })
}

/// The record of the release at hand, and those before it.
struct Journal<'a> {
    cluster: &'a Cluster,
    history: History,
    record: Record,
    /// Whether the record stands in the cluster as it is, and need not be written.
    is_written: bool,
}

impl<'a> Journal<'a> {
    async fn open(
        cluster: &'a Cluster,
        release: &Release,
        reporter: &dyn Reporter,
    ) -> Result<Self, RequestError> {
        let history = match History::read(cluster, &release.namespace, &release.app).await {
            Ok(history) => history,
            Err(error) if error.status() == Some(403) => {
                reporter.warned(&format!("{error}; there will be no release to go back to"));
                History::default()
            }
            Err(error) => return Err(error),
        };
        let is_written = history.newest().is_some_and(|record| record.holds(release));
        Ok(Self { cluster, history, record: Record::begin(release), is_written })
    }

    fn marks(&self) -> apply::Marks {
        self.history.newest().map(|record| record.marks.clone()).unwrap_or_default()
    }

    async fn begin(&mut self, reporter: &dyn Reporter) {
        if !self.is_written {
            self.write(reporter).await;
        }
    }

    async fn close(&mut self, state: State, applied: &[Applied], reporter: &dyn Reporter) {
        let is_unchanged = applied.iter().all(|applied| applied.change == Change::Unchanged);
        if self.is_written && state == State::Deployed && is_unchanged {
            return;
        }
        self.record.state = state;
        self.record.marks =
            applied.iter().map(|applied| (applied.id.clone(), Mark::of(&applied.live))).collect();
        self.write(reporter).await;
        let mut records = self.history.records().to_vec();
        records.retain(|record| record.provenance.short != self.record.provenance.short);
        records.push(self.record.clone());
        let pruned = History::of(records).prune(self.cluster, &self.record.namespace).await;
        if let Err(error) = pruned {
            reporter.warned(&error.to_string());
        }
    }

    async fn write(&self, reporter: &dyn Reporter) {
        if let Err(error) = self.record.write(self.cluster).await {
            reporter.warned(&format!("{error}; there will be no release to go back to"));
        }
    }
}
