//! `notes-deploy status`.

use notes_console::{Failure, Kind, Session, signal};
use notes_k8s_deploy::{
    Verdict,
    status::{Row, status},
};

use super::history::columns;
use crate::{cli::AppArguments, failure, settings::AppSettings};

/// Prints the last release and how its objects stand.
pub(crate) async fn run(session: &Session, arguments: &AppArguments) -> Result<(), Failure> {
    let settings = AppSettings::resolve(session, arguments)?;
    signal::or_stopped("nothing was changed", async {
        let cluster = settings.connect(session).await?;
        let (app, namespace) = (&settings.name.value, &settings.namespace.value);
        let status = status(&cluster, namespace, app).await.map_err(failure::request)?;
        let Some(record) = &status.record else {
            return Err(Failure::message(
                Kind::Configuration,
                format!("no release of `{app}` was recorded in `{namespace}`"),
            )
            .with_hint("is the namespace right? `notes-deploy` makes the first release"));
        };
        let provenance = &record.provenance;
        let by = provenance.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        session.ui.step(
            "Release",
            format_args!(
                "{} of {app}, {} since {}{by}",
                provenance.short,
                record.state,
                provenance.at.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
        );
        if let Some(pipeline) = &provenance.pipeline {
            session.ui.step("Pipeline", pipeline);
        }
        super::print(columns(
            &std::iter::once(head()).chain(status.rows.iter().map(row)).collect::<Vec<_>>(),
        ))
    })
    .await
}

fn head() -> [String; 3] {
    ["OBJECT", "VERDICT", "MESSAGE"].map(ToOwned::to_owned)
}

fn row(row: &Row) -> [String; 3] {
    let verdict = match &row.verdict {
        Verdict::Complete { .. } => "complete",
        Verdict::Progressing { .. } => "progressing",
        Verdict::Failed { .. } => "failed",
    };
    [row.id.to_string(), verdict.into(), row.verdict.message().into()]
}
