//! What a build tells while it runs, and what it can explain afterwards.

use std::time::Duration;

use serde::Serialize;

use crate::cache::Input;

/// Hears how a build gets on. Every method may be called from any thread; the defaults do nothing.
pub trait Reporter: Send + Sync {
    /// A base image is being looked up.
    fn resolving(&self, name: &str) {
        let _ = name;
    }

    /// A layer is being fetched and unpacked, because a step reads it.
    fn unpacking(&self, digest: &str, size: u64) {
        let _ = (digest, size);
    }

    /// A step begins.
    fn started(&self, step: &StepName) {
        let _ = step;
    }

    /// A command wrote a line.
    fn output(&self, step: &StepName, line: &str) {
        let _ = (step, line);
    }

    /// A step is done.
    fn finished(&self, step: &StepName, outcome: &Outcome) {
        let _ = (step, outcome);
    }

    /// Something is doubtful and the build goes on.
    fn warning(&self, text: &str) {
        let _ = text;
    }
}

/// A [`Reporter`] that hears nothing.
impl Reporter for () {}

/// Which step: its stage, its place in it, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepName {
    /// The name of the stage, or its number.
    pub stage: String,
    /// From 1.
    pub number: usize,
    /// How many steps the stage has.
    pub of: usize,
    /// The instruction, continuations joined.
    pub text: String,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It changes the config alone.
    Config,
    /// What it made was in the store.
    Cached,
    /// What it made was in a cache that others share.
    Shared {
        /// What that cache is called.
        cache: String,
    },
    /// It was carried out.
    Ran {
        /// How long that took.
        duration: Duration,
    },
}

/// All there is to know about a step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Which step.
    pub name: StepName,
    /// What became of it.
    pub outcome: Outcome,
    /// Its cache key, for a step that changes files.
    pub key: Option<String>,
    /// What went into the key: compare two builds to see why a step ran again.
    pub inputs: Vec<Input>,
    /// The diff id of its layer, if it made one.
    pub layer: Option<String>,
}
