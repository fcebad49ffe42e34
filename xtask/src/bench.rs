//! `cargo xtask bench build`: the same commits through notes-build, docker with `BuildKit` and buildah, side by side in one run.
//!
//! All take the base from one registry and push to it: CNCF distribution, which is nobody's own. Rounds are interleaved, so that a
//! machine that slows down for a while does so for all; what is reported are medians.

mod contender;
mod measure;
mod notes;
mod others;
mod project;
mod registry;
mod scenario;
mod table;

use std::{error::Error, fs, process::ExitCode};

use notes_testkit::cache;

use crate::{
    cli::{BenchOptions, Benched},
    compare::Root,
    output,
};
use contender::Contender;
use measure::Measurement;
use notes::Notes;
use others::{Buildah, Docker};
use project::Project;
use registry::Registry;
use table::Table;

pub(crate) use scenario::Scenario;

/// What a step of the benchmark may end with.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures, and prints the table.
pub(crate) fn run(options: &BenchOptions) -> std::result::Result<ExitCode, Box<dyn Error>> {
    let table = measure_all(options).map_err(|error| -> Box<dyn Error> { error })?;
    output::result(&table.to_string());
    Ok(ExitCode::SUCCESS)
}

fn measure_all(options: &BenchOptions) -> Result<Table> {
    let Benched::Build = options.what;
    let cache = cache::directory();
    let root = Root::make(&cache, &mut |line| output::say(line))?;
    // In the root of the others, so that all see the same files.
    let directory = root.path().join("bench");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let program = notes::release()?;
    let registry = Registry::start(&directory.join("registry"))?;
    registry.provide_base(&program, &cache)?;
    let projects = Project::all(&directory, &registry, &cache, &options.scenarios())?;
    let notes = Notes::new(program, directory.join("store"));
    let docker = Docker::start(&root)?;
    let buildah = Buildah::new(&root)?;
    let contenders: [&dyn Contender; 3] = [&notes, &docker, &buildah];
    let mut table = Table::new(&contenders)?;
    for round in 1..=options.rounds {
        for (project, scenarios) in &projects {
            for contender in contenders {
                round_of(contender, project, scenarios, &registry, &mut |scenario, measured| {
                    output::say(&format!("{round} {scenario} {contender}: {measured}"));
                    table.add(scenario, contender.name(), measured);
                })?;
            }
        }
    }
    fs::remove_dir_all(&directory)?;
    Ok(table)
}

/// Takes one contender through the scenarios of a project, in their order: each begins where the one before has ended.
fn round_of(
    contender: &dyn Contender,
    project: &Project,
    scenarios: &[Scenario],
    registry: &Registry,
    add: &mut dyn FnMut(Scenario, Measurement),
) -> Result<()> {
    for &scenario in scenarios {
        if scenario.is_cold() {
            contender.forget()?;
            registry.forget(project.name())?;
        }
        let commit = project.prepare(scenario)?;
        add(scenario, measure::measure(contender, project, &commit, registry)?);
    }
    Ok(())
}
