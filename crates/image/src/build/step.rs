//! A step that changes files: looked up, or carried out and remembered.

use notes_oci::{ImageSource, Layer};

use super::{
    Problem, Reuse,
    builder::{Builder, lock},
};
use crate::{
    cache::{CacheKey, Input, Kept, KeyBuilder, Made},
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
        result: Box<StepResult>,
        keyed: Keyed,
    },
}

/// What a step made.
pub(super) struct StepResult {
    /// Its layer, if it made one.
    pub(super) layer: Option<Layer>,
    pub(super) by: By,
}

/// Who made it.
pub(super) enum By {
    /// This build.
    Running,
    /// An earlier build; the store knew.
    Store,
    /// An earlier build; the shared cache of this name knew.
    Shared(String),
}

impl<S: ImageSource> Builder<'_, S> {
    /// Returns what the step made in an earlier build, if it may be used.
    pub(super) async fn known(&self, keyed: &Keyed) -> Option<StepResult> {
        if self.options.reuse == Reuse::Nothing {
            return None;
        }
        let (kept, by) = match self.resources.cache.find(&keyed.key) {
            Some(made) => (self.in_store(made), By::Store),
            None => self.shared(&keyed.key).await?,
        };
        Some(self.result(&keyed.key, kept, by))
    }

    /// Remembers what the step made.
    pub(super) fn remember(
        &self,
        key: &CacheKey,
        packed: Option<Packed>,
    ) -> Result<StepResult, Problem> {
        let made = packed.map_or(Made::Nothing, Made::Layer);
        self.resources.cache.keep(key, &made)?;
        let kept = self.in_store(made);
        Ok(self.result(key, kept, By::Running))
    }

    fn in_store(&self, made: Made) -> Kept {
        match made {
            Made::Layer(packed) => Kept::Layer(self.resources.store.layer(&packed)),
            Made::Nothing => Kept::Nothing,
        }
    }

    fn result(&self, key: &CacheKey, kept: Kept, by: By) -> StepResult {
        lock(&self.index).insert(key, kept.clone());
        StepResult { layer: kept.into_layer(), by }
    }
}
