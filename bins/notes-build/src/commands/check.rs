//! `notes-build check`: mistakes in the Dockerfile, found without building.

mod bases;
mod formats;
mod rules;

use notes_console::{Failure, Kind, Session, print_result};
use notes_dockerfile::{Dockerfile, Strictness, lint};
use notes_image::plan::{self, Plan};

use crate::{
    cli::{CheckArguments, FindingFormat},
    context,
    contexts::Contexts,
    dockerfile,
    failure::Source,
    project::Project,
    settings::Settings,
};
use formats::{Checked, Entry};

/// Parses, plans and lints. Findings are warnings unless the file says `# check=error=true`, or the command line.
pub(crate) fn run(session: &Session, arguments: &CheckArguments) -> Result<(), Failure> {
    let skip = rules::selection("--skip", &arguments.skip)?;
    let experimental = rules::selection("--experimental", &arguments.experimental)?;
    let build = &arguments.build;
    let project = Project::open(build, &session.environment, &session.current)?;
    let settings = Settings::resolve(&project, build, &session.environment, &session.current)?;
    let location = &settings.dockerfile.value;
    let (name, text) = (location.to_string(), dockerfile::read(&project, location)?);
    let source = Source { name: &name, text: &text };
    let commit = project.revision.commit.to_string();
    // Rules are about the text; where they ask for a platform, the first one stands for all.
    let platform = settings.platforms.value.first();
    let contexts = Contexts::of(&settings.contexts.value.0)?;
    let plan_options =
        dockerfile::plan_options(&settings, &session.environment, &contexts, platform, &commit);
    let (parsed, plan) = match plan(source, &plan_options) {
        Ok(planned) => planned,
        // Whoever reads a report gets one, and the failure is told and returned as ever.
        Err(unusable) => {
            print(arguments.format, &Checked::unusable(source, &unusable.entry))?;
            return Err(unusable.failure);
        }
    };
    rules::warn_of_unknown(session, source, &parsed);
    let ignore = context::ignore(&project, &settings.context.value, location)?;
    let bases = bases::known(session, &settings, &contexts, &plan, arguments.offline)?;
    let options = lint::Options { ignore: Some(ignore), bases, skip, experimental };
    let mut report = lint::check(&parsed, &options);
    if arguments.strict {
        report.strictness = Strictness::Error;
    }
    let checked = Checked::found(source, &report);
    if arguments.format == FindingFormat::Text {
        checked.show(&session.ui);
    }
    print(arguments.format, &checked)?;
    conclude(session, &name, &report)
}

/// Why a file cannot be built: for the caller, and for a report.
struct Unusable {
    failure: Failure,
    entry: Entry,
}

fn plan(source: Source<'_>, options: &plan::Options) -> Result<(Dockerfile, Plan), Box<Unusable>> {
    let parsed = Dockerfile::parse(source.text).map_err(|error| {
        Box::new(Unusable { entry: Entry::of_parse(&error), failure: source.parse(&error) })
    })?;
    match Plan::new(&parsed, options) {
        Ok(plan) => Ok((parsed, plan)),
        Err(error) => {
            let entry = Entry::of_plan(&error);
            Err(Box::new(Unusable { entry, failure: source.plan(error) }))
        }
    }
}

fn print(format: FindingFormat, checked: &Checked<'_>) -> Result<(), Failure> {
    let text = match format {
        FindingFormat::Text => return Ok(()),
        FindingFormat::Json => checked.json(),
        FindingFormat::Gitlab => checked.gitlab(),
    };
    print_result(format_args!("{text:#}")).map_err(|error| Failure::new(Kind::Internal, error))
}

fn conclude(session: &Session, name: &str, report: &lint::Report) -> Result<(), Failure> {
    let count = report.findings.len();
    let found = format!("{count} finding{} in `{name}`", if count == 1 { "" } else { "s" });
    match (count, report.strictness) {
        (0, _) => session.ui.step("Checked", format_args!("`{name}`: nothing found")),
        (_, Strictness::Error) => return Err(Failure::message(Kind::Failed, found)),
        (_, Strictness::Warn) => session.ui.step("Checked", found),
    }
    Ok(())
}
