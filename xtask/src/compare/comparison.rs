//! One fixture, built by all and compared.

use std::{io, thread};

use super::{
    archive::{self, ArchiveError},
    difference::{self, Difference, Facts},
    fixture::Fixture,
    ours::Ours,
    reference::{Builder, Outcome, Reference},
    workspace::Workspace,
};

/// What became of one fixture.
pub(crate) struct Comparison {
    /// What notes-build made of it.
    pub(crate) ours: Outcome,
    /// What each other builder did differently.
    pub(crate) differences: Vec<(Builder, Vec<Difference>)>,
}

/// The error returned when a fixture could not be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error("failed to run a builder of `{fixture}`")]
    Build { fixture: String, source: io::Error },
    #[error("failed to read what became of `{fixture}`")]
    Image { fixture: String, source: ArchiveError },
}

impl Comparison {
    /// Builds `fixture` with all at the same time, and compares.
    pub(crate) fn of(
        fixture: &Fixture,
        workspace: &Workspace,
        ours: &Ours,
        references: &[Box<dyn Reference + '_>],
    ) -> Result<Self, CompareError> {
        let name = || fixture.name.clone();
        let (ours, theirs) = build(fixture, workspace, ours, references)
            .map_err(|source| CompareError::Build { fixture: name(), source })?;
        let failed = |source| CompareError::Image { fixture: name(), source };
        let our_facts = facts(&ours).map_err(failed)?;
        let mut differences = Vec::with_capacity(references.len());
        for (reference, theirs) in references.iter().zip(&theirs) {
            let their_facts = facts(theirs).map_err(failed)?;
            differences.push((reference.builder(), between(&our_facts, &their_facts)));
        }
        Ok(Self { ours, differences })
    }
}

fn build(
    fixture: &Fixture,
    workspace: &Workspace,
    ours: &Ours,
    references: &[Box<dyn Reference + '_>],
) -> io::Result<(Outcome, Vec<Outcome>)> {
    thread::scope(|scope| {
        let building: Vec<_> = references
            .iter()
            .map(|reference| scope.spawn(|| reference.build(workspace, fixture)))
            .collect();
        let ours = ours.build(workspace, fixture)?;
        let theirs = building
            .into_iter()
            .map(|thread| thread.join().expect("a build does not panic"))
            .collect::<io::Result<_>>()?;
        Ok((ours, theirs))
    })
}

/// What there is to compare of an image, or the words of who refused it.
fn facts(outcome: &Outcome) -> Result<Result<Facts, &str>, ArchiveError> {
    Ok(match outcome {
        Outcome::Image(archive) => Ok(archive::facts(archive)?),
        Outcome::Refused(words) => Err(words),
    })
}

fn between(ours: &Result<Facts, &str>, theirs: &Result<Facts, &str>) -> Vec<Difference> {
    let words = |facts: &Result<Facts, &str>| match facts {
        Ok(_) => "an image".to_owned(),
        Err(words) => (*words).to_owned(),
    };
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => difference::between(ours, theirs),
        (Err(_), Err(_)) => Vec::new(),
        _ => vec![Difference { what: "outcome".into(), ours: words(ours), theirs: words(theirs) }],
    }
}
