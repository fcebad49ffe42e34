//! What the last build of an image did and what it can be compared with, for `explain`. Kept in the store; losing it loses no
//! build.

use std::{fs, io, path::PathBuf};

use notes_image::{
    build::Built,
    report::{Outcome, StepTrace},
};
use notes_oci::{Digest, Platform};
use serde::{Deserialize, Serialize};

use crate::{project::Project, settings::Settings};

/// A build, and the one before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The commit, short.
    pub(crate) commit: String,
    pub(crate) isolation: String,
    pub(crate) digest: Digest,
    pub(crate) steps: Vec<Step>,
    /// The caches that were asked, by their names.
    pub(crate) caches: Vec<String>,
    pub(crate) before: Before,
}

/// A step of a build.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// How many steps its stage has.
    pub(crate) of: usize,
    /// The instruction.
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
    pub(crate) trace: StepTrace,
}

/// What a build is compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Before {
    /// What it is called: `the build before`, or that of a cache.
    pub(crate) name: String,
    pub(crate) steps: Vec<StepTrace>,
}

/// How a build was carried out.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) isolation: String,
    pub(crate) caches: Vec<String>,
    /// What a cache in a registry says of an earlier build, where the store has no record of one.
    pub(crate) elsewhere: Before,
}

/// Notes what a build did, and keeps what the one before it did. A store that cannot be written to has been reported by
/// the build itself; an explanation that is missing later is no reason to fail one that succeeded.
pub(crate) fn write(
    settings: &Settings,
    project: &Project,
    platform: &Platform,
    built: &Built,
    manner: Manner,
) {
    let before = match read(settings, project, platform) {
        Some(Record { steps, .. }) => Before {
            name: "the build before".into(),
            steps: steps.into_iter().map(|step| step.trace).collect(),
        },
        None => manner.elsewhere,
    };
    let steps = built.steps.iter().map(|step| Step {
        of: step.name.of,
        text: step.name.text.clone(),
        outcome: step.outcome.clone(),
        trace: step.into(),
    });
    let record = Record {
        commit: project.revision.short.clone(),
        isolation: manner.isolation,
        digest: built.image.digest(),
        steps: steps.collect(),
        caches: manner.caches,
        before,
    };
    let _ = replace(&path(settings, project, platform), &record);
}

/// Returns what [`write`] noted.
pub(crate) fn read(settings: &Settings, project: &Project, platform: &Platform) -> Option<Record> {
    serde_json::from_str(&fs::read_to_string(path(settings, project, platform)).ok()?).ok()
}

fn replace(path: &PathBuf, record: &Record) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    fs::write(&draft, serde_json::to_vec(record)?)?;
    fs::rename(draft, path)
}

/// One file per Dockerfile, stage and platform of a repository.
fn path(settings: &Settings, project: &Project, platform: &Platform) -> PathBuf {
    let identity = format!(
        "{}\0{}\0{}\0{}",
        project.root.display(),
        settings.dockerfile.value,
        settings.target.value.as_deref().unwrap_or_default(),
        platform,
    );
    settings.store.value.join("explain").join(format!("{}.json", Digest::of(identity).short()))
}
