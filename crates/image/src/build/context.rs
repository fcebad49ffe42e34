//! Where a step takes files from, opened as late as possible.

use std::sync::Arc;

use notes_oci::{ImageSource, Layer};

use super::{Problem, Resources, files};
use crate::tree::Tree;

/// What `--from` means, found.
#[derive(Clone)]
pub(super) enum Files {
    /// A context: what is used of it has digests of its own.
    Tree(Arc<dyn Tree>),
    /// A stage or an image: known by its layers without unpacking them.
    Layers {
        /// The layers, bottom first.
        layers: Vec<Layer>,
        /// Their identity.
        identity: String,
        /// What they are called: ``stage `build` ``.
        name: String,
    },
}

impl Files {
    /// Returns the tree, unpacking what must be.
    pub(super) async fn tree<S: ImageSource>(
        &self,
        resources: &Resources<S>,
    ) -> Result<Arc<dyn Tree>, Problem> {
        match self {
            Self::Tree(tree) => Ok(Arc::clone(tree)),
            Self::Layers { layers, .. } => files::tree(resources, layers).await,
        }
    }
}
