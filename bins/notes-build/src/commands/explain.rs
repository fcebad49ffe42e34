//! `notes-build explain`: why each step of the last build ran or was cached.

use std::collections::BTreeMap;

use notes_console::{Failure, Kind, Session, print_result};
use serde_json::Value;

use crate::{cli::BuildArguments, project::Project, record, settings::Settings};

/// Prints a line per step of the last build, and below a step that ran what of its input had changed.
pub(crate) fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let project = Project::open(arguments, &session.environment, &session.current)?;
    let settings = Settings::resolve(&project, arguments, &session.environment, &session.current)?;
    let platforms = &settings.platforms.value;
    let mut explanations = Vec::new();
    for platform in platforms.iter() {
        let record = record::read(&settings, &project, platform).ok_or_else(|| {
            Failure::message(Kind::Configuration, "no build of this image is on record here")
                .with_hint("run `notes-build` first; its store remembers the last two builds")
        })?;
        explanations.push(if platforms.are_several() {
            format!("{platform}: {}", explanation(&record))
        } else {
            explanation(&record)
        });
    }
    let explanation = explanations.join("\n\n");
    print_result(explanation).map_err(|error| Failure::new(Kind::Internal, error))
}

fn explanation(record: &Value) -> String {
    let (build, previous) = (&record["build"], &record["previous"]);
    let before: BTreeMap<_, _> = steps(previous).map(|step| (place(step), step)).collect();
    let mut lines = vec![format!(
        "commit {}, isolation {}",
        build["commit"].as_str().unwrap_or("?"),
        build["isolation"].as_str().unwrap_or("?")
    )];
    for step in steps(build) {
        let outcome = match &step["outcome"] {
            Value::String(outcome) => outcome.clone(),
            Value::Object(outcome) => outcome.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        lines.push(format!(
            "{outcome:>8}  [{}] {}",
            place(step),
            step["name"]["text"].as_str().unwrap_or("?")
        ));
        if outcome == "ran" {
            lines.extend(reasons(step, before.get(&place(step)).copied()));
        }
    }
    lines.join("\n")
}

/// Returns which inputs differ from those of the same step one build before.
fn reasons(step: &Value, before: Option<&Value>) -> Vec<String> {
    const SHOWN: usize = 8;
    let Some(before) = before else { return vec![reason("it was not in the build before")] };
    let (now, then) = (inputs(step), inputs(before));
    let mut changed: Vec<_> = now
        .iter()
        .filter(|(name, value)| then.get(*name) != Some(value))
        .map(|(name, _)| {
            reason(&if then.contains_key(name) {
                format!("{name} changed")
            } else {
                format!("{name} is new")
            })
        })
        .chain(
            then.keys()
                .filter(|name| !now.contains_key(*name))
                .map(|name| reason(&format!("{name} is gone"))),
        )
        .collect();
    if changed.is_empty() {
        return vec![reason(
            "its input is that of the build before; its result was not in the store",
        )];
    }
    let more = changed.len().saturating_sub(SHOWN);
    changed.truncate(SHOWN);
    changed.extend((more > 0).then(|| reason(&format!("and {more} more"))));
    changed
}

fn reason(text: &str) -> String {
    format!("          because {text}")
}

fn steps(build: &Value) -> impl Iterator<Item = &Value> {
    build["steps"].as_array().into_iter().flatten()
}

fn place(step: &Value) -> String {
    let name = &step["name"];
    format!("{} {}/{}", name["stage"].as_str().unwrap_or("?"), name["number"], name["of"])
}

fn inputs(step: &Value) -> BTreeMap<&str, &Value> {
    let inputs = step["inputs"].as_array().into_iter().flatten();
    inputs.filter_map(|input| Some((input["name"].as_str()?, input))).collect()
}
