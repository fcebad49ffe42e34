//! `cargo xtask bench build`: the same commits through notes-build, docker with `BuildKit` and buildah.

mod notes;
mod others;
mod project;
mod scenario;

use std::{fs, process::Command};

use notes_testkit::cache;

use super::{
    Result,
    contender::Contender,
    measure::{self, Measurement},
    registry::Registry,
    table::Table,
};
use crate::{cli::BuildBenchOptions, compare::Root, output};
use notes::Notes;
use others::{Buildah, Docker};
use project::Project;

pub(crate) use scenario::Scenario;

/// One that builds.
trait Builder: Contender {
    /// Removes all that it keeps between builds, bases as well.
    fn forget(&self) -> Result<()>;
    /// Returns the commands that build the commit of `project` that is checked out, and push it as `reference`.
    fn build(&self, project: &Project, reference: &str) -> Vec<Command>;
}

pub(super) fn measure(options: &BuildBenchOptions) -> Result<Table<Scenario>> {
    let cache = cache::directory();
    let root = Root::make(&cache, &mut |line| output::say(line))?;
    // In the root of the others, so that all see the same files.
    let directory = root.path().join("bench");
    super::empty(&directory)?;
    let program = super::release()?;
    let registry = Registry::start(&directory.join("registry"))?;
    registry.provide_base(&program, &cache)?;
    let projects = Project::all(&directory, &registry, &cache, &options.scenarios())?;
    let notes = Notes::new(program, directory.join("store"));
    let docker = Docker::start(&root)?;
    let buildah = Buildah::new(&root)?;
    let builders: [&dyn Builder; 3] = [&notes, &docker, &buildah];
    let mut table = Table::new(&[&notes, &docker, &buildah])?;
    for round in 1..=options.rounds {
        for (project, scenarios) in &projects {
            for builder in super::in_turn(&builders, round) {
                let name = builder.name();
                round_of(builder, project, scenarios, &registry, &mut |scenario, measured| {
                    output::say(&format!("{round} {scenario} {name}: {measured}"));
                    table.add(scenario, name, measured);
                })?;
            }
        }
    }
    fs::remove_dir_all(&directory)?;
    Ok(table)
}

/// Takes one builder through the scenarios of a project, in their order: each begins where the one before has ended.
fn round_of(
    builder: &dyn Builder,
    project: &Project,
    scenarios: &[Scenario],
    registry: &Registry,
    add: &mut dyn FnMut(Scenario, Measurement),
) -> Result<()> {
    for &scenario in scenarios {
        if scenario.is_cold() {
            builder.forget()?;
            registry.forget(project.name())?;
        }
        let commit = project.prepare(scenario)?;
        let reference = format!("{}/{}:{commit}", registry.address(), project.name());
        let commands = builder.build(project, &reference);
        add(scenario, measure::measure(builder, commands, registry)?);
    }
    Ok(())
}
