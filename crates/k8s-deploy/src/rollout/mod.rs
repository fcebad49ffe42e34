//! Watches a release until it stands, has failed, or is out of time.

mod logs;
mod patience;
mod settling;
mod standing;
mod unblock;
mod view;
mod watch;

pub(crate) use self::logs::printable;
pub use self::{
    patience::expected_duration,
    standing::{Counts, Standing},
};

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep_until};

use self::{
    logs::LogReader,
    settling::Settling,
    unblock::Unblocker,
    view::View,
    watch::{Source, Update},
};
use crate::{
    Cluster, Object, ObjectId, Reporter, RequestError, Verdict,
    apply::Applied,
    diagnosis::{Cause, Diagnosis, Grade, diagnose},
    evidence::Redactor,
    judge,
};

/// Choices for [`follow`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long to wait. Without it, what the probes and the strategy allow: [`expected_duration`].
    pub timeout: Option<Duration>,
    /// What is left of something larger, as of a CI job: the rollout takes no longer than that.
    pub limit: Option<Duration>,
    /// How the releases before went.
    pub former: Former,
    /// Hides secrets in what programs say.
    pub redactor: Redactor,
}

/// How the releases before went, for pods of theirs that hold up a `StatefulSet`.
///
/// Its controller waits for a pod that is not ready before it replaces any, also where the revision of that pod has failed and
/// is to be replaced itself (kubernetes#67250). The pods of such a revision are removed, so that they are made again as they
/// should be; pods of a revision that stood never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Former {
    /// The last one stands, or there was none: nothing is removed.
    #[default]
    Stands,
    /// The last one failed, after others that stood.
    Failed,
    /// The last one failed, and none has stood before.
    NeverStood,
}

/// How a rollout ended.
#[derive(Clone, Debug)]
#[must_use]
pub enum Outcome {
    /// Every object is as specified.
    Complete,
    /// It will not get there by itself.
    Failed {
        /// Why, the surest cause first; never empty.
        diagnoses: Vec<Diagnosis>,
    },
    /// It was not there in time.
    TimedOut {
        /// How long was waited.
        after: Duration,
        /// What each object still waited for.
        waiting_for: Vec<(ObjectId, String)>,
        /// What is wrong, where something is known to be.
        diagnoses: Vec<Diagnosis>,
    },
}

/// Follows what was applied until it stands, has failed, or is out of time.
///
/// Objects that stand already cost no request. For the others there is one watch per kind and namespace, and one
/// each for `ReplicaSets`, pods and events, however many pods there are; nothing is asked for twice. Watches resume by
/// themselves when they are cut. Only pods of the new revision count.
///
/// # Errors
///
/// Fails when the objects themselves may not be watched. Pods and events that may not be watched only make the
/// diagnosis poorer, which is reported.
pub async fn follow(
    cluster: &Cluster,
    applied: &[Applied],
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Outcome, RequestError> {
    let mut rollout = Rollout::new(applied, options);
    rollout.report_new_verdicts(reporter);
    if rollout.pending().next().is_none() {
        return Ok(Outcome::Complete);
    }
    let outcome = watch_to_the_end(rollout, cluster, applied, options, reporter).await;
    reporter.standing(&[], &[]);
    outcome
}

async fn watch_to_the_end(
    mut rollout: Rollout,
    cluster: &Cluster,
    applied: &[Applied],
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Outcome, RequestError> {
    let mut updates = watch::all(cluster, applied, rollout.pending());
    let mut reader = LogReader::new(cluster.clone(), options.redactor.clone());
    let mut unblocker = Unblocker::new(cluster);
    loop {
        tokio::select! {
            update = updates.next() => {
                let Some(update) = update else { return Ok(rollout.time_out()) };
                rollout.take(cluster, update, reporter)?;
                // What has arrived together is judged together.
                while let Some(Some(update)) = updates.next().now_or_never() {
                    rollout.take(cluster, update, reporter)?;
                }
            }
            () = sleep_until(rollout.next_deadline()) => {}
        }
        rollout.report_new_verdicts(reporter);
        if rollout.pending().next().is_none() {
            if rollout.settling.is_over(Instant::now()) {
                return Ok(Outcome::Complete);
            }
            reporter.standing(&rollout.standings(), &[]);
            continue;
        }
        rollout.settling.interrupt();
        unblocker.remove(rollout.view.stuck_pods(options.former), reporter).await;
        for pod in rollout.view.unready_pods() {
            reader.read_ends(pod, &mut rollout.logs).await;
        }
        let diagnoses = rollout.diagnose(reporter);
        reporter.standing(&rollout.standings(), &diagnoses);
        let failed = rollout.failures(&diagnoses);
        let is_late = Instant::now() >= rollout.deadline;
        if failed.is_empty() && !is_late {
            continue;
        }
        // The evidence, before anything is rolled back: the logs of containers that run and are not ready.
        for pod in rollout.view.unready_pods() {
            reader.read_running(pod, &mut rollout.logs).await;
        }
        return Ok(if failed.is_empty() {
            rollout.time_out()
        } else {
            Outcome::Failed { diagnoses: rollout.failures(&rollout.current()) }
        });
    }
}

/// The state of a rollout that is being followed.
struct Rollout {
    view: View,
    /// The last verdict of each object that is not complete, or was not when it began.
    verdicts: BTreeMap<ObjectId, Verdict>,
    logs: crate::diagnosis::Logs,
    /// Since when something probable lasts.
    since: HashMap<(ObjectId, Cause), Instant>,
    /// What was wrong when something was last: a container that has ended twice may run at the moment.
    last: Vec<Diagnosis>,
    /// The causes that were told.
    told: Vec<(ObjectId, Cause, String)>,
    has_lost_connection: bool,
    settling: Settling,
    started: Instant,
    deadline: Instant,
}

impl Rollout {
    fn new(applied: &[Applied], options: &Options) -> Self {
        let started = Instant::now();
        let timeout = options.timeout.unwrap_or_else(|| {
            let expected = applied.iter().map(|applied| expected_duration(&applied.live));
            expected.max().unwrap_or_default()
        });
        Self {
            view: View::new(applied),
            verdicts: BTreeMap::new(),
            logs: HashMap::new(),
            since: HashMap::new(),
            last: Vec::new(),
            told: Vec::new(),
            has_lost_connection: false,
            settling: Settling::of(applied.iter().map(|applied| &applied.live)),
            started,
            deadline: started + bounded(timeout, options.limit),
        }
    }

    /// Returns the objects that are not complete.
    fn pending(&self) -> impl Iterator<Item = &ObjectId> {
        self.verdicts.iter().filter(|(_, verdict)| !verdict.is_complete()).map(|(id, _)| id)
    }

    /// Returns how the objects stand that are waited for, or were.
    fn standings(&self) -> Vec<Standing> {
        let waited_for = self.view.targets().filter_map(|(id, object)| {
            let verdict = self.verdicts.get(id)?.clone();
            Some(Standing { id: id.clone(), verdict, counts: Counts::of(object) })
        });
        waited_for.collect()
    }

    fn report_new_verdicts(&mut self, reporter: &dyn Reporter) {
        for (id, object) in self.view.targets() {
            let verdict = judge(object);
            if self.verdicts.get(id) != Some(&verdict) {
                // What stands from the beginning is no news.
                if self.verdicts.contains_key(id) || !verdict.is_complete() {
                    reporter.judged(id, &verdict);
                }
                self.verdicts.insert(id.clone(), verdict);
            }
        }
    }

    fn take(
        &mut self,
        cluster: &Cluster,
        update: Update,
        reporter: &dyn Reporter,
    ) -> Result<(), RequestError> {
        match update {
            Update::Refused(Source::Objects, error) => {
                return Err(cluster.error("watch the rollout", error));
            }
            Update::Refused(source, error) => {
                let error = cluster.error(format!("watch {source}"), error);
                reporter.warned(&format!("{error}; causes that only they show will not be named"));
            }
            Update::Lost if !self.has_lost_connection => {
                self.has_lost_connection = true;
                reporter.warned("the connection to the API server was lost; connecting again");
            }
            Update::Lost => {}
            Update::Event(source, event) => {
                self.has_lost_connection = false;
                self.view.take(source, *event);
            }
        }
        Ok(())
    }

    /// Returns what is wrong with the objects that are not complete.
    fn current(&self) -> Vec<Diagnosis> {
        let scenes = self.pending().filter_map(|id| Some((id, self.view.scene(id, &self.logs)?)));
        let mut found: Vec<Diagnosis> = scenes
            .flat_map(|(id, scene)| {
                let mut found = diagnose(&scene);
                if !self.view.has_stale_deadline(id) {
                    found.extend(reported(id, scene.workload, &self.verdicts[id], &found));
                }
                found
            })
            .collect();
        found.extend(self.pending().filter(|id| self.view.is_deleted(id)).map(deleted));
        found
    }

    /// Diagnoses, tells what is new, and starts or ends the periods of grace.
    fn diagnose(&mut self, reporter: &dyn Reporter) -> Vec<Diagnosis> {
        let found = self.current();
        let now = Instant::now();
        let probable = |diagnosis: &Diagnosis| matches!(diagnosis.grade, Grade::Probable { .. });
        self.since.retain(|(id, cause), _| {
            found.iter().any(|d| probable(d) && d.workload == *id && d.cause == *cause)
        });
        for diagnosis in &found {
            if probable(diagnosis) {
                self.since.entry((diagnosis.workload.clone(), diagnosis.cause)).or_insert(now);
            }
            let key = (diagnosis.workload.clone(), diagnosis.cause, diagnosis.summary.clone());
            if !self.told.contains(&key) {
                reporter.observed(diagnosis);
                self.told.push(key);
            }
        }
        if !found.is_empty() {
            self.last.clone_from(&found);
        }
        found
    }

    /// Returns the diagnoses that mean failure now.
    fn failures(&self, found: &[Diagnosis]) -> Vec<Diagnosis> {
        let now = Instant::now();
        let has_failed = |diagnosis: &Diagnosis| match diagnosis.grade {
            Grade::Certain => true,
            Grade::Probable { .. } => self.ends_at(diagnosis).is_some_and(|end| end <= now),
            Grade::Transient => false,
        };
        if !found.iter().any(has_failed) {
            return Vec::new();
        }
        // What has failed first, then what else is wrong. That time ran out, or that a Job says that it failed, is no cause where
        // there is another.
        let (mut failed, rest): (Vec<_>, Vec<_>) = found.iter().cloned().partition(has_failed);
        failed.extend(rest);
        failed.sort_by_key(|diagnosis| {
            diagnosis.cause == Cause::ProgressDeadline
                || (diagnosis.cause == Cause::Reported && diagnosis.workload.kind == "Job")
        });
        failed
    }

    fn ends_at(&self, diagnosis: &Diagnosis) -> Option<Instant> {
        let Grade::Probable { grace } = diagnosis.grade else { return None };
        Some(*self.since.get(&(diagnosis.workload.clone(), diagnosis.cause))? + grace)
    }

    fn next_deadline(&self) -> Instant {
        let graces = self.current();
        graces
            .iter()
            .filter_map(|diagnosis| self.ends_at(diagnosis))
            .chain(self.settling.end())
            .fold(self.deadline, Instant::min)
    }

    fn time_out(&self) -> Outcome {
        let waiting_for =
            self.pending().map(|id| (id.clone(), self.verdicts[id].message().to_owned()));
        Outcome::TimedOut {
            after: self.started.elapsed(),
            waiting_for: waiting_for.collect(),
            diagnoses: Some(self.current())
                .filter(|current| !current.is_empty())
                .unwrap_or_else(|| self.last.clone()),
        }
    }
}

/// Returns the time that a rollout has. A time-out of zero is kubectl's way to say "for ever"; a day is as good and cannot overflow.
fn bounded(timeout: Duration, limit: Option<Duration>) -> Duration {
    let timeout = if timeout.is_zero() { Duration::from_hours(24) } else { timeout };
    limit.map_or(timeout, |limit| timeout.min(limit))
}

/// Returns the failure that the object itself reports.
pub(crate) fn reported(
    id: &ObjectId,
    workload: &Object,
    verdict: &Verdict,
    others: &[Diagnosis],
) -> Option<Diagnosis> {
    let Verdict::Failed { reason } = verdict else { return None };
    // A pod that crashes or is refused may come round: how long that is waited for, its diagnosis says.
    let has_ended = workload.text("/status/phase") == Some("Failed");
    if matches!(workload.kind(), "Pod" | "ReplicaSet") && !has_ended && !others.is_empty() {
        return None;
    }
    let is_deadline = reason.contains("progress deadline");
    // kubernetes#49637: the condition of an earlier rollout stays until the controller has seen the new one. A
    // rollout that moves again clears it, so that it counts when the newest specification was observed.
    if is_deadline && workload.is_observed() == Some(false) {
        return None;
    }
    Some(Diagnosis {
        cause: if is_deadline { Cause::ProgressDeadline } else { Cause::Reported },
        workload: id.clone(),
        place: id.to_string(),
        summary: reason.clone(),
        grade: Grade::Certain,
        evidence: Vec::new(),
        hint: others.is_empty().then(|| "`notes-deploy status` shows the pods".into()),
    })
}

/// Returns that an object has gone.
pub(crate) fn deleted(id: &ObjectId) -> Diagnosis {
    Diagnosis {
        cause: Cause::Deleted,
        workload: id.clone(),
        place: id.to_string(),
        summary: "it was deleted while it was rolled out".into(),
        grade: Grade::Certain,
        evidence: Vec::new(),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_has_the_lesser_of_its_time_out_and_the_limit() {
        let minutes = Duration::from_mins;
        for (timeout, limit, wanted) in [
            (minutes(5), None, minutes(5)),
            (minutes(5), Some(minutes(2)), minutes(2)),
            (minutes(5), Some(minutes(9)), minutes(5)),
            (Duration::ZERO, Some(minutes(9)), minutes(9)),
            (Duration::ZERO, None, Duration::from_hours(24)),
        ] {
            assert_eq!(bounded(timeout, limit), wanted, "{timeout:?} {limit:?}");
        }
    }
}
