//! `notes-deploy rollback`.

use jiff::Timestamp;
use notes_console::{Failure, Kind, Session, settings::Seconds, signal};
use notes_k8s_deploy::{deploy, record::History, rollout};

use super::deploy::{conflicts, run_release};
use crate::{cli::RollbackArguments, failure, reporter::Lines, settings::AppSettings};

/// Applies an earlier release again, and prints its image.
pub(crate) async fn run(session: &Session, arguments: &RollbackArguments) -> Result<(), Failure> {
    let settings = AppSettings::resolve(session, &arguments.app)?;
    let timeout = arguments.timeout.map(Seconds::duration);
    signal::or_stopped("what was applied goes on in the cluster", async {
        let cluster = settings.connect(session).await?;
        let (app, namespace) = (&settings.name.value, &settings.namespace.value);
        let history = History::read(&cluster, namespace, app).await.map_err(failure::request)?;
        let record = history.choose(app, arguments.commit.as_deref()).map_err(failure::choose)?;
        let mut release = record.release().map_err(failure::reference)?;
        // The record becomes the newest: that it runs now is what history is to say.
        release.provenance.at = Timestamp::now();
        session.ui.step(
            "Rolling back",
            format_args!(
                "{app} in {namespace} to {} with {}",
                release.provenance.short, release.image
            ),
        );
        let options = deploy::Options {
            conflicts: conflicts(arguments.force_conflicts),
            leftovers: settings.leftovers(),
            rollout: rollout::Options { timeout, ..rollout::Options::default() },
            ..deploy::Options::default()
        };
        let reporter = Lines::new(&session.ui);
        match run_release(session, &cluster, &release, &options, &reporter).await.into_result() {
            Ok(()) => super::print(&release.image),
            Err(failure) if matches!(failure.kind(), Kind::Failed | Kind::TimedOut) => {
                session.ui.report(&failure);
                let message = format!("going back to {} failed", release.provenance.short);
                Err(Failure::message(Kind::RollbackFailed, message))
            }
            Err(failure) => Err(failure),
        }
    })
    .await
}
