//! What later jobs get: files with the image's name and digest.

use std::{fs, path::Path};

use notes_console::Failure;
use notes_oci::{Image, Pinned, Reference};
use serde_json::json;

use crate::{cli::BuildArguments, failure, project::Project};

/// Writes the files that were asked for.
pub(crate) fn write(
    arguments: &BuildArguments,
    current: &Path,
    project: &Project,
    image: &Image,
    references: &[Reference],
) -> Result<(), Failure> {
    let pinned = references[0].pin(image.digest());
    let files = [
        (&arguments.digest_file, format!("{}\n", image.digest())),
        (&arguments.metadata_file, metadata(project, image, references, &pinned)),
        (&arguments.dotenv, dotenv(project, &references[0], &pinned)),
    ];
    for (path, content) in files {
        if let Some(path) = path {
            let path = current.join(path);
            fs::write(&path, content).map_err(|error| failure::path(&path, error))?;
        }
    }
    Ok(())
}

fn metadata(project: &Project, image: &Image, references: &[Reference], pinned: &Pinned) -> String {
    let size: u64 = image.layers().iter().map(notes_oci::Layer::size).sum();
    let metadata = json!({
        "reference": pinned.to_string(),
        "tags": references.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "digest": image.digest(),
        "media_type": image.media_type(),
        "commit": project.revision.commit.to_string(),
        "layers": image.layers().len(),
        "size": size,
        "labels": image.config().config.labels,
    });
    format!("{metadata:#}\n")
}

/// GitLab's dotenv report: keys of letters, digits and underscores, no quotes, no comments (GitLab docs,
/// "artifacts:reports:dotenv").
fn dotenv(project: &Project, reference: &Reference, pinned: &Pinned) -> String {
    format!(
        "NOTES_BUILD_IMAGE={reference}\nNOTES_BUILD_DIGEST={}\nNOTES_BUILD_REF={pinned}\nNOTES_BUILD_COMMIT={}\n",
        pinned.digest, project.revision.commit
    )
}
