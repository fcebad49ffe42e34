//! `notes-deploy rollback`.

use jiff::Timestamp;
use notes_console::{Failure, Kind, Session, settings::Seconds, signal};
use notes_k8s_deploy::{Cluster, Release, deploy, lock::Lock, record::History, rollout};

use super::deploy::{conflicts, run_release};
use crate::{cli::RollbackArguments, failure, process, reporter::Lines, settings::AppSettings};

/// Applies an earlier release again, and prints its image.
pub(crate) async fn run(session: &Session, arguments: &RollbackArguments) -> Result<(), Failure> {
    let settings = AppSettings::resolve(session, &arguments.app)?;
    let wait = settings.lock(session, arguments.wait_for_lock)?.value.duration();
    let options = deploy::Options {
        conflicts: conflicts(arguments.force_conflicts),
        lock: process::lock(wait),
        leftovers: settings.leftovers(),
        rollout: rollout::Options {
            timeout: arguments.timeout.map(Seconds::duration),
            ..rollout::Options::default()
        },
        ..deploy::Options::default()
    };
    let preparing = Box::pin(async {
        let cluster = settings.connect(session).await?;
        let release = choose(&cluster, &settings, arguments.commit.as_deref()).await?;
        Ok((cluster, release))
    });
    let (cluster, release) = signal::or_stopped("nothing was changed", preparing).await?;
    session.ui.step(
        "Rolling back",
        format_args!(
            "{} in {} to {} with {}",
            release.app, release.namespace, release.provenance.short, release.image
        ),
    );
    let reporter = Lines::new(&session.ui);
    let mut lock = Lock::new(&cluster, options.lock.clone(), &reporter);
    let work = async {
        run_release(session, &mut lock, &cluster, &release, &options, &reporter).await.into_result()
    };
    let ended = signal::or_stopped("what was applied goes on in the cluster", work).await;
    lock.release().await;
    match ended {
        Ok(()) => super::print(&release.image),
        Err(failure) if matches!(failure.kind(), Kind::Failed | Kind::TimedOut) => {
            session.ui.report(&failure);
            let message = format!("going back to {} failed", release.provenance.short);
            Err(Failure::message(Kind::RollbackFailed, message))
        }
        Err(failure) => Err(failure),
    }
}

/// Returns the release to go back to, to be applied again.
async fn choose(
    cluster: &Cluster,
    settings: &AppSettings,
    commit: Option<&str>,
) -> Result<Release, Failure> {
    let (app, namespace) = (&settings.name.value, &settings.namespace.value);
    let history = History::read(cluster, namespace, app).await.map_err(failure::request)?;
    let record = history.choose(app, commit).map_err(failure::choose)?;
    let mut release = record.release().map_err(failure::reference)?;
    // The record becomes the newest: that it runs now is what history is to say.
    release.provenance.at = Timestamp::now();
    Ok(release)
}
