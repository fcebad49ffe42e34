//! `cargo xtask compare dockerfile`: the same Dockerfiles, built by notes-build and by builders that others made.
//!
//! A fixture is built from the same files by all; images are read from their archives and compared file by file and field
//! by field. What differs has to be in the list of known differences, with its reason.

mod archive;
mod comparison;
mod config;
mod difference;
mod docs;
mod fixture;
mod known;
mod ours;
mod pool;
mod reference;
mod report;
mod sample;
mod tree;
mod workspace;

use std::{
    collections::BTreeSet,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use notes_testkit::cache;

use crate::{
    cargo,
    cli::{CompareOptions, Compared},
    demo::Programs,
    output, program,
    summary::Summary,
    workspace as checkout,
};
use comparison::Comparison;
use fixture::{Expected, Fixture};
use known::{Coverage, Judgement, List};
use ours::Ours;
use reference::{Buildah, Buildkit, Reference, RootError};
pub(crate) use reference::{Builder, Daemon, Network, Root, limits, succeeded};
use report::Report;
use workspace::Workspace;

/// Where the base images' folders are, below the root of the workspace.
const BASES: &str = "tests/fixtures/bases";
/// How many fixtures `cargo xtask test` compares, and with whom: what takes half a minute.
const SAMPLE: usize = 15;
/// The same sample each time, so that what fails is a change's doing; `cargo xtask compare dockerfile` takes all.
const SEED: u64 = 1;

/// Compares, and says what came out.
pub(crate) fn run(options: &CompareOptions) -> Result<ExitCode, Box<dyn Error>> {
    let Compared::Dockerfile = options.what;
    let list = List::read(checkout::root())?;
    if options.docs {
        fs::write(checkout::root().join(docs::PAGE), docs::page(&list))?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = Root::make(&cache::directory(), &mut |line| output::say(line))?;
    let fixtures = chosen(options)?;
    let coverage = if options.names.is_empty() && options.sample.is_none() {
        Coverage::Whole
    } else {
        Coverage::Part
    };
    let programs = if options.built { Programs::Built } else { Programs::ToBuild };
    let ours = notes_build(programs)?;
    let report = compare(&root, &ours, &fixtures, &options.builders(), &list, coverage)?;
    for line in report.summary() {
        output::result(&line);
    }
    Ok(if report.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares a sample with `BuildKit`, for `cargo xtask test`. A machine that has no builders to compare with says so.
pub(crate) fn sample(programs: Programs) -> Result<Summary, Box<dyn Error>> {
    let mut summary = Summary::default();
    let root = match Root::open(&cache::directory()) {
        Ok(root) => root,
        Err(missing @ (RootError::NotRoot | RootError::NotMade)) => {
            summary.skip("compare", &missing.to_string());
            return Ok(summary);
        }
        Err(error) => return Err(error.into()),
    };
    output::say(&format!(
        "repeat with: cargo xtask compare dockerfile --builder buildkit --sample {SAMPLE} --seed {SEED}"
    ));
    let fixtures = sample::choose(fixture::all(checkout::root())?, SAMPLE, SEED);
    let list = List::read(checkout::root())?;
    let ours = notes_build(programs)?;
    let report = compare(&root, &ours, &fixtures, &[Builder::Buildkit], &list, Coverage::Part)?;
    report.count(&mut summary);
    Ok(summary)
}

fn chosen(options: &CompareOptions) -> Result<Vec<Fixture>, fixture::FixtureError> {
    let mut fixtures = fixture::all(checkout::root())?;
    if !options.names.is_empty() {
        let wanted = |name: &str| options.names.iter().any(|part| name.contains(part.as_str()));
        fixtures.retain(|fixture| wanted(&fixture.name));
    }
    Ok(match options.sample {
        Some(size) => sample::choose(fixtures, size, options.seed.unwrap_or_else(sample::seed)),
        None => fixtures,
    })
}

/// Builds and compares each fixture with each builder.
fn compare(
    root: &Root,
    program: &Path,
    fixtures: &[Fixture],
    builders: &[Builder],
    list: &List,
    coverage: Coverage,
) -> Result<Report, Box<dyn Error>> {
    let bases: Vec<_> = fixture::folders(&checkout::root().join(BASES))?
        .iter()
        .map(|path| Fixture::open(path))
        .collect::<Result<_, _>>()?;
    let directory = root.path().join("compare");
    let busybox = root.path().join("usr/bin/busybox");
    let workspace = Workspace::create(&directory.join("workspace"), &bases, fixtures, &busybox)?;
    let ours = Ours::start(program.to_owned(), &directory.join("ours"))?;
    let references = start(root, builders)?;
    for base in &bases {
        let archive = ours.base(&workspace, base)?;
        for reference in &references {
            reference.load(&archive)?;
        }
    }
    let versions =
        references.iter().map(|reference| reference.version()).collect::<io::Result<_>>()?;
    let mut report = Report::new(versions);
    let (mut compared, mut judgements) = (BTreeSet::new(), Vec::new());
    let work = |fixture: &Fixture| Comparison::of(fixture, &workspace, &ours, &references);
    pool::each(fixtures, program::at_a_time(), work, |fixture, comparison| {
        report.expect(fixture, &comparison.ours);
        for (builder, differences) in comparison.differences {
            let judgement = list.judge(builder, &fixture.name, differences);
            report.add(fixture, builder, &judgement);
            compared.insert((builder, fixture.name.clone()));
            judgements.push(judgement);
        }
    })?;
    report.vanished(list.vanished(&compared, coverage, &judgements));
    Ok(report)
}

fn start<'a>(root: &'a Root, builders: &[Builder]) -> io::Result<Vec<Box<dyn Reference + 'a>>> {
    let start = |builder: &Builder| -> io::Result<Box<dyn Reference + 'a>> {
        Ok(match builder {
            Builder::Buildkit => Box::new(Buildkit::start(root)?),
            Builder::Buildah => Box::new(Buildah::new(root)?),
        })
    };
    builders.iter().map(start).collect()
}

/// Returns where notes-build is: where this program is.
fn notes_build(programs: Programs) -> Result<PathBuf, Box<dyn Error>> {
    if programs == Programs::ToBuild {
        cargo::build(["notes-build"], &[]).map_err(|error| -> Box<dyn Error> { error })?;
    }
    Ok(cargo::programs()?.join("notes-build"))
}
