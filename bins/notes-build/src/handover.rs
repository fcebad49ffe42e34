//! What later jobs get: files with the image's name and digest.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use notes_console::Failure;
use notes_oci::{Image, Layer, Pinned, Reference};
use serde_json::json;

use crate::{cli::BuildArguments, failure, product::Product, project::Project, whole};

/// The files that were asked for. That they can be written is known before there is anything to write.
#[derive(Debug)]
pub(crate) struct Handover {
    digest: Option<PathBuf>,
    id: Option<PathBuf>,
    metadata: Option<PathBuf>,
    dotenv: Option<PathBuf>,
}

impl Handover {
    /// Returns the files that the arguments name, relative to `current`.
    pub(crate) fn of(arguments: &BuildArguments, current: &Path) -> Result<Self, Failure> {
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| current.join(path));
        let handover = Self {
            digest: file(&arguments.digest_file),
            id: file(&arguments.iid_file),
            metadata: file(&arguments.metadata_file),
            dotenv: file(&arguments.dotenv),
        };
        let Self { digest, id, metadata, dotenv } = &handover;
        for path in [digest, id, metadata, dotenv].into_iter().flatten() {
            check(path).map_err(|error| failure::path(path, error))?;
        }
        Ok(handover)
    }

    /// Writes the files.
    pub(crate) fn write(
        &self,
        project: &Project,
        product: &Product,
        references: &[Reference],
    ) -> Result<(), Failure> {
        let pinned = references[0].pin(product.digest());
        let files = [
            (&self.digest, format!("{}\n", product.digest())),
            // Without a line end, as docker writes it: scripts compare the whole of it.
            (&self.id, product.id().to_string()),
            (&self.metadata, metadata(project, product, references, &pinned)),
            (&self.dotenv, dotenv(project, &references[0], &pinned)),
        ];
        for (path, content) in files {
            if let Some(path) = path {
                fs::write(path, content).map_err(|error| failure::path(path, error))?;
            }
        }
        Ok(())
    }
}

/// Checks that a file can be written, and leaves it as it is. One that is there is written into: it may be mounted alone.
fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() || found.is_dir() => {
            OpenOptions::new().append(true).open(path).map(drop)
        }
        // Opening a pipe would wait for its reader.
        Ok(_) => Ok(()),
        Err(_) => whole::check(path),
    }
}

/// The file has docker's keys for what docker says as well (buildx docs, "--metadata-file"), and `notes` for the rest.
fn metadata(
    project: &Project,
    product: &Product,
    references: &[Reference],
    pinned: &Pinned,
) -> String {
    let names: Vec<_> = references.iter().map(ToString::to_string).collect();
    let mut metadata = json!({
        "containerimage.descriptor": product.descriptor(),
        "containerimage.digest": product.digest(),
        "image.name": names.join(","),
        "notes": {
            "reference": pinned.to_string(),
            "commit": project.revision.commit.to_string(),
            "images": product.images().iter().map(summary).collect::<Vec<_>>(),
        },
    });
    if let Product::Image(image) = product {
        metadata["containerimage.config.digest"] = json!(image.manifest().config.digest);
    }
    format!("{metadata:#}\n")
}

fn summary(image: &Image) -> serde_json::Value {
    json!({
        "platform": image.config().platform.to_string(),
        "digest": image.digest(),
        "layers": image.layers().len(),
        "size": image.layers().iter().map(Layer::size).sum::<u64>(),
        "labels": image.config().config.labels,
    })
}

/// GitLab's dotenv report: keys of letters, digits and underscores, no quotes, no comments (GitLab docs,
/// "artifacts:reports:dotenv").
fn dotenv(project: &Project, reference: &Reference, pinned: &Pinned) -> String {
    format!(
        "NOTES_BUILD_IMAGE={reference}\nNOTES_BUILD_DIGEST={}\nNOTES_BUILD_REF={pinned}\nNOTES_BUILD_COMMIT={}\n",
        pinned.digest, project.revision.commit
    )
}
