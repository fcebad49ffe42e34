//! What the last two builds of an image did, for `explain`. Kept in the store; losing it loses no build.

use std::{fs, io, path::PathBuf};

use notes_image::build::Built;
use notes_oci::{Digest, Platform};
use serde_json::{Value, json};

use crate::{project::Project, settings::Settings};

/// Notes what a build did, and keeps what the one before it did. A store that cannot be written to has been reported by
/// the build itself; an explanation that is missing later is no reason to fail one that succeeded.
pub(crate) fn write(
    settings: &Settings,
    project: &Project,
    platform: &Platform,
    built: &Built,
    isolation: &str,
) {
    let path = path(settings, project, platform);
    let previous =
        read(settings, project, platform).map(|record| record["build"].clone()).unwrap_or_default();
    let record = json!({
        "build": {
            "commit": project.revision.short,
            "isolation": isolation,
            "digest": built.image.digest(),
            "steps": built.steps,
        },
        "previous": previous,
    });
    let _ = replace(&path, &record);
}

/// Returns what [`write`] noted.
pub(crate) fn read(settings: &Settings, project: &Project, platform: &Platform) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path(settings, project, platform)).ok()?).ok()
}

fn replace(path: &PathBuf, record: &Value) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    fs::write(&draft, record.to_string())?;
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
