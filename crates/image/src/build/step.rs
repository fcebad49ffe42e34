//! A step that changes files: looked up, or carried out and remembered.

use notes_oci::ImageSource;

use super::{Problem, Resources, Reuse};
use crate::{
    cache::{CacheKey, Input, KeyBuilder, Made},
    pack::Packed,
};

/// The key of a step and what went into it.
pub(super) struct Keyed {
    pub(super) key: CacheKey,
    pub(super) inputs: Vec<Input>,
}

impl From<KeyBuilder> for Keyed {
    fn from(builder: KeyBuilder) -> Self {
        let (key, inputs) = builder.finish();
        Self { key, inputs }
    }
}

/// What a step did.
pub(super) enum Done {
    /// It changed the config.
    Config {
        /// Its line of the history, if it has one.
        created_by: Option<String>,
    },
    /// It may have changed files.
    Files {
        /// Its line of the history.
        created_by: String,
        made: Made,
        keyed: Keyed,
        cached: bool,
    },
}

/// Returns what the step made in an earlier build, if it may be used.
pub(super) fn known<S: ImageSource>(
    resources: &Resources<S>,
    reuse: Reuse,
    key: &CacheKey,
) -> Option<Made> {
    match reuse {
        Reuse::Cache => resources.cache.find(key),
        Reuse::Nothing => None,
    }
}

/// Remembers what the step made.
pub(super) fn remember<S: ImageSource>(
    resources: &Resources<S>,
    key: &CacheKey,
    packed: Option<Packed>,
) -> Result<Made, Problem> {
    let made = packed.map_or(Made::Nothing, Made::Layer);
    resources.cache.keep(key, &made)?;
    Ok(made)
}
