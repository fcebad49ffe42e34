//! `notes-deploy`: apply, follow, record.

use std::path::Path;

use jiff::Timestamp;
use notes_console::{Chain, Failure, Kind, Session, settings::Switch, signal};
use notes_k8s_deploy::{
    Cluster, Release, Reporter,
    apply::{Conflicts, Namespaces},
    deploy::{self, Deployed, deploy_locked},
    lock::Lock,
    migration::{self, Migration},
    record::History,
    rollout::{self, Outcome},
};

use super::render::prepare;
use crate::{
    cli::DeployArguments,
    failure,
    limit::{Follows, JobLimit},
    process,
    recorder::Recorder,
    report::{Ending, Report, Stage},
    reporter::Lines,
    settings::DeploySettings,
};

/// What a signal leaves behind.
const LEFT: &str = "what was applied goes on in the cluster; deploy again to follow it";

/// Deploys, and prints the pinned image.
pub(crate) async fn run(session: &Session, arguments: &DeployArguments) -> Result<(), Failure> {
    let settings = DeploySettings::resolve(session, arguments)?;
    let report = settings.report.value.as_deref().map(Path::new).map(Report::open).transpose()?;
    let limit = JobLimit::of(&session.environment);
    // Boxed: it holds a whole registry client and a whole cluster client, and is moved around.
    let preparing = Box::pin(async {
        Ok((prepare(session, arguments, &settings).await?, settings.app.connect(session).await?))
    });
    let (release, cluster) = signal::or_stopped("nothing was changed", preparing).await?;
    session.ui.step(
        "Deploying",
        format_args!("{} to {} with {}", release.app, release.namespace, release.image),
    );
    let lines = Lines::new(&session.ui);
    let migration = settings.migrate.migration();
    let recorder = Recorder::new(session, &cluster, &release, report.as_ref(), &lines)
        .with_migration(migration.as_ref());
    let follows = if settings.rolls_back(session) { Follows::Rollback } else { Follows::Evidence };
    let options = deploy::Options {
        conflicts: conflicts(arguments.force_conflicts),
        namespaces: match settings.create_namespace.value {
            Switch::Never => Namespaces::Require,
            Switch::Auto | Switch::Always => Namespaces::Create,
        },
        lock: process::lock(settings.wait_for_lock.value.duration()),
        leftovers: settings.app.leftovers(),
        rollout: rollout::Options {
            timeout: settings.timeout(),
            limit: limit.for_rollout(Timestamp::now(), follows),
            ..rollout::Options::default()
        },
        migration,
    };
    let mut lock = Lock::new(&cluster, options.lock.clone(), recorder.reporter());
    let work = Box::pin(async {
        let reporter = recorder.reporter();
        let ending = run_release(session, &mut lock, &cluster, &release, &options, reporter).await;
        recorder.record(&ending).await;
        if let (Some(migration), Stage::Migration) = (&options.migration, ending.stage) {
            end_migration(session, &cluster, &release, migration).await;
            return ending.into_result();
        }
        let is_broken = leaves_a_broken_release(&ending, &lines);
        match ending.into_result() {
            Ok(()) => super::print(&release.image),
            Err(failure) if settings.rolls_back(session) && is_broken => {
                let failure =
                    roll_back(session, &mut lock, &release, &options, &recorder, failure).await;
                recorder.conclude(&failure.to_string());
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    });
    let ended = recorder.unless_stopped(limit, LEFT, work).await;
    lock.release().await;
    ended
}

pub(crate) fn conflicts(is_forced: bool) -> Conflicts {
    if is_forced { Conflicts::Force } else { Conflicts::Fail }
}

/// Deploys a release and says how it ended.
pub(crate) async fn run_release(
    session: &Session,
    lock: &mut Lock<'_>,
    cluster: &Cluster,
    release: &Release,
    options: &deploy::Options,
    reporter: &dyn Reporter,
) -> Ending {
    let deployed = match deploy_locked(lock, cluster, release, options, reporter).await {
        Ok(deployed) => deployed,
        Err(error) => {
            let refused = error.object().cloned();
            let ending = Ending { refused, ..Ending::default() };
            return match error {
                deploy::Error::Migration(error) => migration_failed(session, error),
                error => Ending { failure: Some(failure::deploy(error)), ..ending },
            };
        }
    };
    let failure = match &deployed.outcome {
        Outcome::Complete => {
            let what = if deployed.is_unchanged() { "Unchanged" } else { "Deployed" };
            session.ui.step(what, format_args!("{} at {}", release.app, release.provenance.short));
            None
        }
        Outcome::Failed { diagnoses } => Some(failure::rollout(&session.ui, diagnoses)),
        Outcome::TimedOut { .. } => Some(timed_out(session, &deployed, options)),
    };
    Ending { outcome: Some(deployed.outcome), failure, ..Ending::default() }
}

fn migration_failed(session: &Session, error: migration::Error) -> Ending {
    let outcome = match &error {
        migration::Error::Failed { outcome, .. } => Some((**outcome).clone()),
        _ => None,
    };
    if let Some(Outcome::Failed { diagnoses } | Outcome::TimedOut { diagnoses, .. }) = &outcome {
        failure::evidence(&session.ui, diagnoses);
    }
    let failure = Some(failure::deploy(error.into()));
    Ending { outcome, failure, stage: Stage::Migration, ..Ending::default() }
}

/// Ends a Job that would go on, now that its evidence is kept.
async fn end_migration(
    session: &Session,
    cluster: &Cluster,
    release: &Release,
    migration: &Migration,
) {
    if let Err(error) = migration::stop(cluster, release, migration).await {
        session.ui.warning(Chain(&error));
    }
}

fn timed_out(session: &Session, deployed: &Deployed, options: &deploy::Options) -> Failure {
    let Outcome::TimedOut { after, waiting_for, diagnoses } = &deployed.outcome else {
        unreachable!("it is called for nothing else")
    };
    for (object, waiting_for) in waiting_for {
        session.ui.line(format_args!("{object}: {waiting_for}"));
    }
    failure::evidence(&session.ui, diagnoses);
    let message = format!("the rollout was not complete after {} s", after.as_secs());
    let failure = match diagnoses.first() {
        Some(first) => {
            Failure::message(Kind::TimedOut, format!("{message}: {}", failure::describe(first)))
                .with_hints(first.hint.clone())
        }
        None => Failure::message(Kind::TimedOut, message).with_hint("`--timeout` gives it longer"),
    };
    if options.rollout.limit.is_some_and(|limit| *after >= limit) {
        return failure.with_hint("the CI job's own `timeout:` leaves no more time");
    }
    failure
}

/// Tells whether something runs, or half of it, that nobody wants: not where another release has taken over, and not where
/// nothing was changed.
fn leaves_a_broken_release(ending: &Ending, reporter: &Lines) -> bool {
    match ending.failure.as_ref().map(Failure::kind) {
        Some(Kind::Failed | Kind::TimedOut) => true,
        Some(Kind::Rejected) => reporter.has_changed(),
        // Without an object that was refused it is another release that has taken over.
        Some(Kind::Conflict) => ending.refused.is_some() && reporter.has_changed(),
        _ => false,
    }
}

/// Goes back to the last release that stood. Returns the failure, which says whether that worked.
async fn roll_back(
    session: &Session,
    lock: &mut Lock<'_>,
    release: &Release,
    options: &deploy::Options,
    recorder: &Recorder<'_>,
    cause: Failure,
) -> Failure {
    let cluster = recorder.cluster();
    // What was migrated stays: going back is what a migration that only adds allows.
    let options = &deploy::Options { migration: None, ..options.clone() };
    let history = match History::read(cluster, &release.namespace, &release.app).await {
        Ok(history) => history,
        Err(error) => return rollback_failed(session, release, &cause, &failure::request(error)),
    };
    let Some(record) = history.verified_before(release) else {
        // What a first release leaves is all there is to find out why it failed.
        session.ui.line("no release has stood before, so that this one is left as it is");
        return cause;
    };
    let mut target = match record.release() {
        Ok(target) => target,
        Err(error) => return rollback_failed(session, release, &cause, &failure::reference(error)),
    };
    // Later than the release that failed, or the two records would have no order.
    target.provenance.at = Timestamp::now();
    session.ui.report(&cause);
    let short = &target.provenance.short;
    session.ui.step("Rolling back", format_args!("to {short}"));
    let ending = run_release(session, lock, cluster, &target, options, recorder.reporter()).await;
    match ending.into_result() {
        Ok(()) => Failure::message(
            Kind::RolledBack,
            format!("{} failed; {} runs again at {short}", release.provenance.short, release.app),
        ),
        Err(failure) => {
            session.ui.report(&failure);
            going_back_failed(release)
        }
    }
}

fn rollback_failed(
    session: &Session,
    release: &Release,
    cause: &Failure,
    failure: &Failure,
) -> Failure {
    session.ui.report(cause);
    session.ui.report(failure);
    going_back_failed(release)
}

fn going_back_failed(release: &Release) -> Failure {
    let message = format!("{} failed, and so did going back", release.provenance.short);
    Failure::message(Kind::RollbackFailed, message)
}
