//! The files of layers, unpacked when a step reads them and not before.

use std::{path::PathBuf, sync::Arc};

use notes_oci::{ImageSource, Layer};

use super::{Problem, Resources};
use crate::{overlay::Layers, store::Condition, tree::Tree};

/// Unpacks layers and returns their directories, bottom first.
pub(super) async fn unpacked<S: ImageSource>(
    resources: &Resources<S>,
    layers: &[Layer],
) -> Result<Vec<PathBuf>, Problem> {
    let mut directories = Vec::with_capacity(layers.len());
    for layer in layers {
        let condition = resources.store.condition(&layer.diff_id())?;
        if condition == Condition::Damaged {
            let path = resources.store.layer_path(&layer.diff_id());
            let text =
                format!("the unpacked layer `{}` is damaged: it is unpacked again", path.display());
            resources.reporter.warning(&text);
        }
        if condition != Condition::Whole {
            resources.reporter.unpacking(&layer.digest().to_string(), layer.size());
        }
        directories.push(resources.store.unpacked(layer).await?);
    }
    Ok(directories)
}

/// Returns the merged files of layers.
pub(super) async fn tree<S: ImageSource>(
    resources: &Resources<S>,
    layers: &[Layer],
) -> Result<Arc<dyn Tree>, Problem> {
    Ok(Arc::new(Layers::new(unpacked(resources, layers).await?)))
}

/// Runs blocking work on a thread that may block.
pub(super) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
