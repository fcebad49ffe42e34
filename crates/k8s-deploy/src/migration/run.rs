//! Runs the Job: once for a commit, and again where it failed.

use std::{pin::pin, time::Duration};

use tokio::time::timeout;

use super::{
    Error, Migrated, Migration,
    jobs::{Jobs, Stand},
    logs::Lines,
};
use crate::{
    Cluster, Release, Reporter, RequestError,
    apply::{self, Applied, Change},
    evidence::Redactor,
    pin::pod_spec_path,
    references::references,
    rollout::{self, Outcome, follow},
};

/// How long the last lines may take after the Job has ended.
const DRAIN: Duration = Duration::from_secs(3);

/// Runs `migration` for `release`, and tells its lines while it runs.
///
/// A Job that has ended well for this commit is not run again; one that runs, because an earlier deploy was killed, is
/// followed; one that failed is deleted and run again. What the Job names and only this release brings (its namespace, service
/// account, Secrets, `ConfigMaps` and claims) is made first where it is missing; what is there stays as it is.
///
/// What was made so is added to `made`.
///
/// # Errors
///
/// When it does not end well. Nothing else of the release was applied then.
pub async fn migrate(
    cluster: &Cluster,
    release: &Release,
    migration: &Migration,
    options: &Options<'_>,
    reporter: &dyn Reporter,
    made: &mut Vec<Applied>,
) -> Result<Migrated, Error> {
    let job = migration.job(release)?;
    let jobs = Jobs::beside(cluster, &job);
    let found = jobs.find(&job).await?;
    let stand = found.as_ref().map(|live| Stand::of(live, &job));
    let (live, change) = match (found, stand) {
        (Some(_), Some(Stand::Done)) => return Ok(Migrated::Before),
        (Some(live), Some(Stand::Running)) => (live, Change::Unchanged),
        (found, _) => {
            if let Some(failed) = found {
                jobs.remove(&failed).await?;
            }
            let pod = pod_spec_path(&job).and_then(|path| job.at(path));
            let needed = pod.map(references).unwrap_or_default();
            apply::make_missing(cluster, release, &needed, options.apply, reporter, made).await?;
            (jobs.create(&job).await?, Change::Created)
        }
    };
    let applied = Applied { id: live.id(), change, live, resource: jobs.resource.clone() };
    reporter.applied(&applied.id, applied.change);
    let rollout = rollout::Options {
        timeout: Some(migration.timeout),
        limit: options.limit,
        redactor: Redactor::of(release.objects()),
        ..rollout::Options::default()
    };
    let outcome = follow_with_lines(cluster, &applied, &rollout, reporter).await?;
    if !matches!(outcome, Outcome::Complete) {
        return Err(Error::Failed { job: applied.id, outcome: Box::new(outcome) });
    }
    if let Err(error) = jobs.prune(&release.app).await {
        reporter.warned(&error.to_string());
    }
    Ok(Migrated::Now)
}

/// What [`migrate`] needs besides the migration.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// How what is missing is made.
    pub apply: &'a apply::Options,
    /// What is left of something larger, as of a CI job.
    pub limit: Option<Duration>,
}

/// Ends a migration that failed and whose Job is still at it: one whose image is missing would run later, when nobody expects it.
///
/// Apart from [`migrate`], because it ends the pods, which are the evidence.
///
/// # Errors
///
/// When the server does not answer or does not let us.
pub async fn stop(
    cluster: &Cluster,
    release: &Release,
    migration: &Migration,
) -> Result<(), Error> {
    let job = migration.job(release)?;
    let jobs = Jobs::beside(cluster, &job);
    match jobs.find(&job).await? {
        Some(live) if Stand::of(&live, &job) == Stand::Running => Ok(jobs.suspend(&live).await?),
        _ => Ok(()),
    }
}

async fn follow_with_lines(
    cluster: &Cluster,
    applied: &Applied,
    options: &rollout::Options,
    reporter: &dyn Reporter,
) -> Result<Outcome, RequestError> {
    let mut lines = Lines::of(cluster, &applied.id, &options.redactor);
    let mut following = pin!(follow(cluster, std::slice::from_ref(applied), options, reporter));
    let outcome = loop {
        tokio::select! {
            outcome = &mut following => break outcome?,
            () = lines.next(reporter) => {}
        }
    };
    // What comes later than that is in the Job's log all the same.
    let _ = timeout(DRAIN, lines.rest(reporter)).await;
    Ok(outcome)
}
