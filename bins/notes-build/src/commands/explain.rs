//! `notes-build explain`: why each step of the last build ran or was cached.

mod reasons;

use notes_console::{Failure, Kind, Session, print_result};
use notes_image::report::Outcome;

use crate::{
    cli::BuildArguments,
    project::Project,
    record::{self, Record, Step},
    settings::Settings,
};

/// Prints a line per step of the last build, and below a step that ran what of its input had changed.
pub(crate) fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let project = Project::open(arguments, &session.environment, &session.current)?;
    let settings = Settings::resolve(&project, arguments, &session.environment, &session.current)?;
    let platforms = &settings.platforms.value;
    let mut explanations = Vec::new();
    for platform in platforms.iter() {
        let record = record::read(&settings, &project, platform).ok_or_else(|| {
            Failure::message(Kind::Configuration, "no build of this image is on record here")
                .with_hint("run `notes-build` first; its store remembers the last build")
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

fn explanation(record: &Record) -> String {
    let Record { commit, isolation, .. } = record;
    let mut lines = vec![format!("commit {commit}, isolation {isolation}")];
    for step in &record.steps {
        let (outcome, from) = match &step.outcome {
            Outcome::Config => ("config", String::new()),
            Outcome::Cached => ("cached", " (from the store)".into()),
            Outcome::Shared { cache } => ("cached", format!(" (from {cache})")),
            Outcome::Ran { .. } => ("ran", String::new()),
        };
        lines.push(format!("{outcome:>8}  [{}] {}{from}", place(step), step.text));
        if let Outcome::Ran { .. } = step.outcome {
            let reasons = reasons::reasons(step, record);
            lines.extend(reasons.iter().map(|reason| format!("          because {reason}")));
        }
    }
    lines.join("\n")
}

fn place(step: &Step) -> String {
    format!("{} {}/{}", step.trace.stage, step.trace.number, step.of)
}
