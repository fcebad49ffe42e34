//! `notes-build check`: mistakes in the Dockerfile, found without building.

use notes_console::{Excerpt, Failure, Kind, Session};
use notes_dockerfile::{
    Dockerfile, Strictness,
    lint::{self, Finding},
};
use notes_image::plan::Plan;

use crate::{
    cli::BuildArguments, context, dockerfile, failure::Source, project::Project, settings::Settings,
};

/// Parses, plans and lints. Findings are warnings unless the file says `# check=error=true`.
pub(crate) fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let project = Project::open(arguments, &session.environment, &session.current)?;
    let settings = Settings::resolve(&project, arguments, &session.environment, &session.current)?;
    let (name, text) = dockerfile::read(&project, &settings)?;
    let source = Source { name: &name, text: &text };
    let parsed = Dockerfile::parse(&text).map_err(|error| source.parse(&error))?;
    let commit = project.revision.commit.to_string();
    let options = dockerfile::plan_options(&settings, &session.environment, commit);
    Plan::new(&parsed, &options).map_err(|error| source.plan(error))?;
    let ignore = context::ignore(&project, &settings.context.value, &settings.dockerfile.value)?;
    let options = lint::Options { ignore: Some(ignore), ..lint::Options::default() };
    let report = lint::check(&parsed, &options);
    for finding in &report.findings {
        show(session, source, finding);
    }
    conclude(session, &name, &report)
}

fn show(session: &Session, source: Source<'_>, finding: &Finding) {
    let Finding { rule, message, span, hint } = finding;
    session.ui.warning(format_args!("{message} ({})", rule.name));
    session.ui.line(Excerpt::new(source.name, source.text, (*span).into()));
    if let Some(hint) = hint {
        session.ui.hint(hint);
    }
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
