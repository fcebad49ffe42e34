//! Carrying out a [`Plan`]: base images and steps become an [`Image`].

mod adding;
mod builder;
mod cloning;
mod context;
mod copy;
mod copying;
mod error;
mod fetch;
mod files;
mod metadata;
mod mounting;
mod owner;
mod repositories;
mod run;
mod running;
mod schedule;
mod sharing;
mod stages;
mod state;
mod step;
mod workdir;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use notes_oci::{Image, ImageSource};
use notes_sandbox::{Cancel, Sandbox, Secret};

use crate::{
    cache::{CacheMount, LayerCache, MountUse, SharedCache, StepIndex},
    compress::Compression,
    plan::Plan,
    report::{Reporter, StepReport},
    store::Store,
    tree::Tree,
};

pub use copy::{Error as CopyError, repository::AddressError};
pub use error::{Error, Problem};
pub use fetch::{Fetch, FetchError, Fetched, Validators};
pub use repositories::{
    Asked, Authorization, CheckedOut, Checkout, GitDirectory, Place, Repositories, Submodules, Tip,
};

/// Everything a build works with.
#[derive(Clone)]
pub struct Resources<S> {
    /// The build context, as seen through its ignore file.
    pub context: Arc<dyn Tree>,
    /// The files of further contexts, by the names they have in the plan's options.
    pub contexts: BTreeMap<String, Arc<dyn Tree>>,
    /// Where base images come from.
    pub images: S,
    /// Where layers are kept.
    pub store: Store,
    /// Where results of steps are found; usually the store.
    pub cache: Arc<dyn LayerCache>,
    /// Where they are asked for next; without it a step that is not found is carried out.
    pub shared: Option<Arc<dyn SharedCache>>,
    /// What runs commands; a Dockerfile without `RUN` needs none.
    pub sandbox: Option<Sandbox>,
    /// Secrets by id, for `RUN --mount=type=secret`.
    pub secrets: BTreeMap<String, Secret>,
    /// The sockets of SSH agents by id, for `RUN --mount=type=ssh`; `default` is the id where none is written.
    pub agents: BTreeMap<String, PathBuf>,
    /// What downloads files for `ADD`; without it a URL is an error.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// What reads git repositories for `ADD`; without it one is an error.
    pub repositories: Option<Arc<dyn Repositories>>,
    /// Ends running commands.
    pub cancel: Cancel,
    /// Hears how it gets on.
    pub reporter: Arc<dyn Reporter>,
}

impl<S: ImageSource> Resources<S> {
    /// Returns the resources of a build that keeps its cache in `store`, reports nothing, and cannot run commands until
    /// [`sandbox`](Self::sandbox) is set.
    pub fn new(context: Arc<dyn Tree>, images: S, store: Store) -> Self {
        Self {
            context,
            contexts: BTreeMap::new(),
            images,
            cache: Arc::new(store.clone()),
            store,
            shared: None,
            sandbox: None,
            secrets: BTreeMap::new(),
            agents: BTreeMap::new(),
            fetch: None,
            repositories: None,
            cancel: Cancel::default(),
            reporter: Arc::new(()),
        }
    }
}

impl<S> fmt::Debug for Resources<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").field("store", &self.store).finish_non_exhaustive()
    }
}

/// What a build writes beside what its Dockerfile says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// When the image counts as made, in seconds since 1970: the time of the commit. It stands in the config and in its
    /// history, and in no layer (see [`crate`], "Times").
    pub created: i64,
    /// Labels, over those of the Dockerfile.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// How layers are compressed.
    pub compression: Compression,
    /// Whether results of earlier builds are used.
    pub reuse: Reuse,
    /// How long the command of one `RUN` may take; for ever when absent.
    pub run_timeout: Option<Duration>,
}

/// Whether results of earlier builds are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// A step whose inputs are unchanged is not carried out again.
    #[default]
    Cache,
    /// Every step is carried out; its result is kept for later builds all the same.
    Nothing,
}

/// A built image, and how it came about.
#[derive(Clone, Debug)]
pub struct Built {
    /// The image; its new layers open from the store, those of its base from where the base is.
    pub image: Image,
    /// Every step that was considered, in order.
    pub steps: Vec<StepReport>,
    /// What they made, for a cache that others share.
    pub index: StepIndex,
    /// The cache mounts of its steps, sorted, and whether they were mounted.
    pub mounts: BTreeMap<CacheMount, MountUse>,
}

/// Carries out `plan`.
///
/// # Errors
///
/// [`Error`] names the instruction that failed.
pub async fn build<S: ImageSource>(
    plan: &Plan,
    resources: &Resources<S>,
    options: &Options,
) -> Result<Built, Error> {
    builder::Builder::new(plan, resources, options).build().await
}
