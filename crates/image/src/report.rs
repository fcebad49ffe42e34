//! What a build tells while it runs, and what it can explain afterwards.

use std::{collections::BTreeMap, time::Duration};

use notes_oci::Digest;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What of a step is compared with the same step of another build. It has no values, which may be a person's own business,
/// but their digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTrace {
    /// The name of the stage, or its number.
    pub stage: String,
    /// From 1.
    pub number: usize,
    /// The diff id of its layer, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Short digests of what went into its key, by their names.
    pub inputs: BTreeMap<String, String>,
}

impl From<&StepReport> for StepTrace {
    fn from(step: &StepReport) -> Self {
        let inputs = step.inputs.iter();
        Self {
            stage: step.name.stage.clone(),
            number: step.name.number,
            layer: step.layer.clone(),
            inputs: inputs
                .map(|input| (input.name.clone(), Digest::of(&input.value).short()))
                .collect(),
        }
    }
}
