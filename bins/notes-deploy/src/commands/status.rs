//! `notes-deploy status`.

use notes_console::{Failure, Kind, Session, signal};
use notes_k8s_deploy::{
    Drift, Verdict,
    record::Record,
    status::{Means, Row, Status, status},
};
use serde_json::{Value, json};

use super::history::{self, columns};
use crate::{
    cli::{ShowArguments, ShowForm},
    failure,
    settings::AppSettings,
};

/// Prints the release that runs and how its objects stand.
pub(crate) async fn run(session: &Session, arguments: &ShowArguments) -> Result<(), Failure> {
    let settings = AppSettings::resolve(session, &arguments.app)?;
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
        if arguments.output == ShowForm::Json {
            return super::print(format_args!("{:#}", document(record, &status)));
        }
        say(session, record, &status);
        super::print(columns(
            &std::iter::once(head()).chain(status.rows.iter().map(row)).collect::<Vec<_>>(),
        ))
    })
    .await
}

/// Says what the table has no place for.
fn say(session: &Session, record: &Record, status: &Status) {
    let provenance = &record.provenance;
    let by = provenance.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let at = provenance.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    session.ui.step(
        "Release",
        format_args!("{} of {}, {} since {at}{by}", provenance.short, record.app, record.state),
    );
    if let Some(subject) = &provenance.subject {
        session.ui.step("Commit", format_args!("{} {subject}", provenance.commit));
    }
    session.ui.step("Image", &record.image);
    if let Some(pipeline) = &provenance.pipeline {
        session.ui.step("Pipeline", pipeline);
    }
    if status.by == Means::Other {
        session.ui.warning(
            "it is not the release that was deployed last: something else went back to it, as `kubectl rollout undo` does",
        );
    }
    for row in &status.rows {
        for drift in &row.drift {
            session.ui.warning(format_args!("{}: {}", row.id, sentence(drift)));
        }
    }
}

fn sentence(drift: &Drift) -> String {
    let now = match &drift.live {
        Some(live) => format!("is {}", shown(live)),
        None => "has gone".into(),
    };
    let owner = drift.owner.as_ref().map(|owner| format!(", set by {owner}")).unwrap_or_default();
    format!("`{}` was applied as {} and {now}{owner}", drift.field, shown(&drift.applied))
}

/// Returns a value as it fits into a line.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn head() -> [String; 4] {
    ["OBJECT", "VERDICT", "AS APPLIED", "MESSAGE"].map(ToOwned::to_owned)
}

fn row(row: &Row) -> [String; 4] {
    let is_same = match (&row.live, row.drift.len()) {
        (None, _) => "gone".into(),
        (_, 0) => "yes".into(),
        (_, 1) => "no, 1 field".into(),
        (_, fields) => format!("no, {fields} fields"),
    };
    [row.id.to_string(), word(&row.verdict).into(), is_same, row.verdict.message().into()]
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Complete { .. } => "complete",
        Verdict::Progressing { .. } => "progressing",
        Verdict::Failed { .. } => "failed",
    }
}

fn document(record: &Record, status: &Status) -> Value {
    let objects = status.rows.iter().map(|row| {
        json!({
            "object": row.id,
            "exists": row.live.is_some(),
            "verdict": word(&row.verdict),
            "message": row.verdict.message(),
            "drift": row.drift,
        })
    });
    json!({
        "version": history::VERSION,
        "release": history::document(record, &record.state.to_string()),
        "deployed-last": status.by == Means::Deploy,
        "objects": objects.collect::<Vec<_>>(),
    })
}
