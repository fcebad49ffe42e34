//! What later jobs get: files with the image's name and digest.

use std::{fs, path::Path};

use notes_console::Failure;
use notes_oci::{Image, Layer, Pinned, Reference};
use serde_json::json;

use crate::{cli::BuildArguments, failure, product::Product, project::Project};

/// Writes the files that were asked for.
pub(crate) fn write(
    arguments: &BuildArguments,
    current: &Path,
    project: &Project,
    product: &Product,
    references: &[Reference],
) -> Result<(), Failure> {
    let pinned = references[0].pin(product.digest());
    let files = [
        (&arguments.digest_file, format!("{}\n", product.digest())),
        // Without a line end, as docker writes it: scripts compare the whole of it.
        (&arguments.iid_file, product.id().to_string()),
        (&arguments.metadata_file, metadata(project, product, references, &pinned)),
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
