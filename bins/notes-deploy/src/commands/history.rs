//! `notes-deploy history`.

use notes_console::{Failure, Session, signal};
use notes_k8s_deploy::{
    Object,
    record::{History, Record, State},
};
use serde_json::{Value, json};

use crate::{
    cli::{ShowArguments, ShowForm},
    failure,
    settings::AppSettings,
};

/// Prints the releases, the newest first.
pub(crate) async fn run(session: &Session, arguments: &ShowArguments) -> Result<(), Failure> {
    let settings = AppSettings::resolve(session, &arguments.app)?;
    signal::or_stopped("nothing was changed", async {
        let cluster = settings.connect(session).await?;
        let (app, namespace) = (&settings.name.value, &settings.namespace.value);
        let history = History::read(&cluster, namespace, app).await.map_err(failure::request)?;
        if arguments.output == ShowForm::Json {
            return super::print(format_args!("{:#}", list(app, history.records())));
        }
        if history.records().is_empty() {
            session.ui.line(format_args!("no release of {app} was recorded in {namespace}"));
            return Ok(());
        }
        super::print(table(history.records()))
    })
    .await
}

/// The version of the form of JSON: raised when a field changes its meaning or goes.
pub(super) const VERSION: u32 = 1;

fn list(app: &str, records: &[Record]) -> Value {
    let releases = records.iter().enumerate();
    let releases: Vec<_> =
        releases.map(|(index, record)| document(record, &state(record, index))).collect();
    json!({"version": VERSION, "app": app, "releases": releases})
}

/// Returns a record for programs. What was applied is named and not shown: it may hold secrets.
pub(super) fn document(record: &Record, state: &str) -> Value {
    let reason = match &record.state {
        State::Failed(reason) => Some(reason),
        _ => None,
    };
    let objects: Vec<_> = record.objects.iter().map(Object::id).collect();
    let mut document = json!({
        "state": state, "reason": reason, "image": record.image, "namespace": record.namespace, "objects": objects,
    });
    let provenance = serde_json::to_value(&record.provenance).expect("a provenance is plain data");
    if let (Some(fields), Value::Object(provenance)) = (document.as_object_mut(), provenance) {
        fields.extend(provenance);
    }
    document
}

fn table(records: &[Record]) -> String {
    let head = ["COMMIT", "STATE", "WHEN", "BY", "DIGEST", "SUBJECT"].map(ToOwned::to_owned);
    let rows = records.iter().enumerate().map(|(index, record)| {
        let provenance = &record.provenance;
        let subject = match &record.state {
            State::Failed(reason) => reason.clone(),
            _ => provenance.subject.clone().unwrap_or_default(),
        };
        [
            provenance.short.clone(),
            state(record, index),
            provenance.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            provenance.by.clone().unwrap_or_else(|| "-".into()),
            record.image.rsplit("sha256:").next().unwrap_or_default().chars().take(12).collect(),
            subject,
        ]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// A deploy that is not the newest and never said how it ended was killed.
fn state(record: &Record, index: usize) -> String {
    match record.state {
        State::Deploying if index > 0 => "interrupted".into(),
        _ => record.state.to_string(),
    }
}

/// Aligns the columns of a table.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = vec![["A".to_owned(), "B".to_owned()], ["long".to_owned(), "x".to_owned()]];
        assert_eq!(columns(&rows), "A     B\nlong  x");
    }
}
