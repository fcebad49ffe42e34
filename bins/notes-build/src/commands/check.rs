//! `notes-build check`: mistakes in the Dockerfile, found without building.

mod bases;
mod formats;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use notes_console::{Failure, Kind, Session, print_result};
use notes_dockerfile::{Dockerfile, Strictness, lint};
use notes_image::plan::{self, Plan};
use notes_oci::Platform;

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
    let contexts = Contexts::of(&settings.contexts.value.0)?;
    let options = |platform: &Platform| {
        dockerfile::plan_options(&settings, &session.environment, &contexts, platform, &commit)
    };
    let platforms = settings.platforms.value.iter().map(options);
    let (parsed, plans) = match plans(source, platforms) {
        Ok(planned) => planned,
        Err(unusable) => return refuse(arguments.format, source, *unusable),
    };
    rules::warn_of_unknown(session, source, &parsed);
    let ignore = context::ignore(&project, &settings.context.value, location)?;
    let bases = bases::known(session, &settings, &contexts, &plans, arguments.offline)?;
    for (plan, bases) in plans.iter().zip(&bases).filter(|_| plans.len() > 1) {
        if let Err(error) = bases.check_triggers(plan, &Platform::native()) {
            return refuse(arguments.format, source, unusable(source, error));
        }
    }
    let options = lint::Options { ignore: Some(ignore), skip, experimental, ..Default::default() };
    let mut report = lint(&parsed, bases.into_iter().map(|bases| bases.described), &options);
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

/// Plans the build for each platform. One that is for several is done on one machine, which must run all of its commands.
fn plans(
    source: Source<'_>,
    platforms: impl Iterator<Item = plan::Options>,
) -> Result<(Dockerfile, Vec<Plan>), Box<Unusable>> {
    let parsed = Dockerfile::parse(source.text).map_err(|error| {
        Box::new(Unusable { entry: Entry::of_parse(&error), failure: source.parse(&error) })
    })?;
    let plan = || -> Result<Vec<Plan>, plan::Error> {
        let plans: Vec<_> =
            platforms.map(|options| Plan::new(&parsed, &options)).collect::<Result<_, _>>()?;
        if plans.len() > 1 {
            plans.iter().try_for_each(|plan| plan.check_commands(&Platform::native()))?;
        }
        Ok(plans)
    };
    match plan() {
        Ok(plans) => Ok((parsed, plans)),
        Err(error) => Err(Box::new(unusable(source, error))),
    }
}

fn unusable(source: Source<'_>, error: plan::Error) -> Unusable {
    Unusable { entry: Entry::of_plan(&error), failure: source.plan(error) }
}

/// Whoever reads a report gets one, and the failure is told and returned as ever.
fn refuse(format: FindingFormat, source: Source<'_>, unusable: Unusable) -> Result<(), Failure> {
    print(format, &Checked::unusable(source, &unusable.entry))?;
    Err(unusable.failure)
}

/// Applies the rules with what is known of the base images for each platform. What is found for several is found once.
fn lint(
    parsed: &Dockerfile,
    bases: impl Iterator<Item = BTreeMap<usize, lint::Base>>,
    options: &lint::Options,
) -> lint::Report {
    let check = |bases| lint::check(parsed, &lint::Options { bases, ..options.clone() });
    let reports = bases.map(check);
    let merge = |mut all: lint::Report, one: lint::Report| {
        let identity = |it: &lint::Finding| (it.span, it.rule.name, it.message.clone());
        let known: BTreeSet<_> = all.findings.iter().map(identity).collect();
        let new = one.findings.into_iter().filter(|it| !known.contains(&identity(it)));
        all.findings.extend(new);
        all.findings.sort_by_key(|finding| (finding.span, finding.rule.name));
        all
    };
    reports.reduce(merge).expect("a build is for at least one platform")
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
