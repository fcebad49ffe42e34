//! The end of the CI job: what there is to say has to be said before.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use notes_console::{Environment, Failure, Kind, environment};

/// For the evidence and the report: six logs of each workload, on a cluster that is slow.
const FOR_EVIDENCE: Duration = Duration::from_mins(1);
/// The last moment: whatever goes on then is stopped, and what is known is written.
const FOR_LAST_WORDS: Duration = Duration::from_secs(30);

/// When the CI job ends, where it says so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JobLimit {
    end: Option<Timestamp>,
}

/// What follows a rollout that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// The evidence alone.
    Evidence,
    /// The evidence, and a rollout back.
    Rollback,
}

impl JobLimit {
    /// Reads `CI_JOB_STARTED_AT` and `CI_JOB_TIMEOUT` of GitLab. What is no time is no limit: it is not our setting.
    pub(crate) fn of(environment: &Environment) -> Self {
        let end = || {
            let started = environment.value(environment::CI_JOB_STARTED_AT)?;
            let seconds = environment.value(environment::CI_JOB_TIMEOUT)?;
            let started: Timestamp = started.parse().ok()?;
            started.checked_add(SignedDuration::from_secs(seconds.parse().ok()?)).ok()
        };
        Self { end: end() }
    }

    /// Returns what is left of the job.
    fn left(self, now: Timestamp) -> Option<Duration> {
        self.end.map(|end| end.duration_since(now).try_into().unwrap_or_default())
    }

    /// Returns how long a rollout may take, so that what follows has its time too. A rollout back takes about as long.
    pub(crate) fn for_rollout(self, now: Timestamp, follows: Follows) -> Option<Duration> {
        let left = self.left(now)?;
        Some(match follows {
            Follows::Evidence => left.saturating_sub(FOR_EVIDENCE).max(left / 2),
            Follows::Rollback => left.saturating_sub(FOR_EVIDENCE).max(left / 2) / 2,
        })
    }

    /// Returns the failure of a deploy that is stopped for it.
    pub(crate) fn reached(left: &str) -> Failure {
        Failure::message(Kind::TimedOut, format!("the CI job is about to end; {left}"))
            .with_hint("raise the job's `timeout:`, or lower `--timeout`")
    }

    /// Waits until nearly all of the job has passed; for ever where there is no limit.
    pub(crate) async fn is_near(self, now: Timestamp) {
        match self.left(now) {
            Some(left) => {
                tokio::time::sleep(left.saturating_sub(FOR_LAST_WORDS).max(left * 3 / 4)).await;
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(started: &str, seconds: &str) -> JobLimit {
        let variables = [("CI_JOB_STARTED_AT", started), ("CI_JOB_TIMEOUT", seconds)];
        JobLimit::of(&variables.into_iter().collect())
    }

    #[test]
    fn the_rest_of_a_job_is_shared() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        for (seconds, follows, wanted) in [
            ("3600", Follows::Evidence, Some(3_000 - 60)),
            ("3600", Follows::Rollback, Some((3_000 - 60) / 2)),
            ("680", Follows::Evidence, Some(40)),
            ("600", Follows::Evidence, Some(0)),
            ("60", Follows::Rollback, Some(0)),
            ("soon", Follows::Evidence, None),
        ] {
            let share = limit("2026-01-01T00:00:00Z", seconds).for_rollout(now, follows);
            assert_eq!(share.map(|share| share.as_secs()), wanted, "{seconds} {follows:?}");
        }
        assert_eq!(JobLimit::default().for_rollout(now, Follows::Evidence), None);
    }
}
