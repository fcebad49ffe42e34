//! The record of the release at hand, and those before it.

use super::{History, Kept, Record, State};
use crate::{
    Cluster, Release, Reporter, RequestError,
    apply::{Applied, Change, Mark, Marks},
    inventory::{self, Leftovers, Made, Removal},
    lock::Lock,
    rollout::Former,
};

/// What a deploy writes down while it goes on.
pub(crate) struct Journal<'a> {
    cluster: &'a Cluster,
    history: History,
    record: Record,
    /// Whether the deploy before was killed.
    is_interrupted: bool,
    /// Whether the record stands in the cluster as it is, and need not be written.
    is_written: bool,
}

impl<'a> Journal<'a> {
    pub(crate) async fn open(
        cluster: &'a Cluster,
        release: &Release,
        lock: &Lock<'_>,
        reporter: &dyn Reporter,
    ) -> Result<Self, RequestError> {
        let history = match History::read_ended(cluster, &release.namespace, &release.app).await {
            Ok(history) => history,
            Err(error) if error.status() == Some(403) => {
                reporter.warned(&format!("{error}; there will be no release to go back to"));
                History::default()
            }
            Err(error) => return Err(error),
        };
        let is_interrupted = !lock.inherited().is_empty();
        let is_written =
            !is_interrupted && history.newest().is_some_and(|record| record.holds(release));
        let ended = history.records().iter().find(|record| record.state != State::Deploying);
        let marks = ended.map(|record| record.marks.clone()).unwrap_or_default();
        let record = Record {
            marks,
            made: inventory::before(&history, lock.inherited()),
            ..history.begin(release)
        };
        Ok(Self { cluster, history, record, is_interrupted, is_written })
    }

    /// Returns what the objects looked like when they were applied last.
    pub(crate) fn marks(&self) -> &Marks {
        &self.record.marks
    }

    /// Says how the releases before went.
    pub(crate) fn former(&self) -> Former {
        match (self.history.newest(), self.history.verified()) {
            (Some(Record { state: State::Deployed, .. }) | None, _) if !self.is_interrupted => {
                Former::Stands
            }
            (_, Some(_)) => Former::Failed,
            (_, None) => Former::NeverStood,
        }
    }

    /// Returns what was made before and is not part of `release`.
    pub(crate) fn leftovers(&self, release: &Release) -> Leftovers {
        inventory::leftovers(&self.record.made, release, self.history.verified())
    }

    /// Forgets what was made before where `release` has nothing of it, so that it is never removed. Returns whether that was so.
    pub(crate) fn forget_another_application(&mut self, release: &Release) -> bool {
        let is_foreign = inventory::is_foreign(&self.record.made, release);
        if is_foreign {
            self.record.made.clear();
        }
        is_foreign
    }

    /// Returns the namespaces of a release that failed which `release` says nothing of: what was set on them goes too.
    pub(crate) fn namespaces_to_let_go(&self, release: &Release) -> Vec<String> {
        let failed = self.history.newest().filter(|record| record.state != State::Deployed);
        let namespaces = failed.iter().flat_map(|record| &record.objects);
        namespaces
            .filter(|object| object.kind() == "Namespace")
            .map(|object| object.name().to_owned())
            .filter(|name| release.namespace_manifest(name).is_none())
            .collect()
    }

    /// Removes objects, and from the inventory what has gone.
    pub(crate) async fn remove(
        &mut self,
        objects: Vec<Made>,
        reason: &str,
        reporter: &dyn Reporter,
    ) {
        if objects.is_empty() {
            return;
        }
        let Record { namespace, app, made, .. } = &mut self.record;
        Removal::new(self.cluster, namespace, app, reporter).remove(objects, reason, made).await;
        self.is_written = false;
    }

    /// Takes down what was applied.
    pub(crate) fn take_in(&mut self, applied: &[Applied]) {
        self.record.made = inventory::after(&self.record.made, applied);
        let marks = applied.iter().map(|applied| (applied.id.clone(), Mark::of(&applied.live)));
        self.record.marks.extend(marks);
        self.is_written &= applied.iter().all(|applied| applied.change == Change::Unchanged);
    }

    /// Writes how it went, and drops the oldest records.
    pub(crate) async fn close(&mut self, state: State, reporter: &dyn Reporter) {
        if self.is_written && state == State::Deployed {
            return;
        }
        if state == State::Deployed {
            self.record.verified = Some(self.record.provenance.at);
        }
        self.record.state = state;
        self.record.marks.retain(|id, _| {
            self.record
                .objects
                .iter()
                .any(|object| inventory::is_named(object, &self.record.namespace, id))
        });
        self.write(reporter).await;
        let mut records = self.history.records().to_vec();
        records.retain(|record| record.key() != self.record.key());
        records.push(self.record.clone());
        let pruned = History::of(records).prune(self.cluster, &self.record.namespace).await;
        if let Err(error) = pruned {
            reporter.warned(&error.to_string());
        }
    }

    async fn write(&self, reporter: &dyn Reporter) {
        match self.record.write(self.cluster).await {
            Ok(Kept::Whole) => {}
            Ok(Kept::Outline) => {
                reporter.warned(
                    "the release is too large to be recorded as a whole; it cannot be gone back to",
                );
            }
            Err(error) => {
                reporter.warned(&format!("{error}; there will be no release to go back to"));
            }
        }
    }
}
