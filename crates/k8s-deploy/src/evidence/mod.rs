//! What is kept of a release: its objects, events and logs as they are at one moment, without anybody's secrets.
//!
//! A rollback, or the next deploy, deletes the pods that would have shown what was wrong (helm#31035); so does a CI job
//! that is cancelled. [`collect`] reads everything once, before that.

mod collect;
mod pods;
mod redact;
mod timeline;

pub use self::{
    collect::collect,
    redact::Redactor,
    timeline::{Moment, Timeline, What},
};

use serde::Serialize;

use crate::Object;

/// Everything that the cluster knows about a release at one moment. Nothing in it is a secret: see [`Redactor`].
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The objects of the release, their `ReplicaSets` and pods, without `managedFields`.
    pub objects: Vec<Object>,
    /// The events about them, the oldest first.
    pub events: Vec<Object>,
    /// The logs of the containers, init containers too.
    pub logs: Vec<ContainerLog>,
    /// What could not be read, and why.
    pub missing: Vec<String>,
    /// Hides the secrets that were met, in texts from elsewhere too.
    pub redactor: Redactor,
}

/// The log of one run of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContainerLog {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Which run of it.
    pub run: Run,
    /// The last lines.
    pub lines: Vec<String>,
}

/// Which run of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Run {
    /// The one that runs, or ended last.
    Current,
    /// The one before a restart.
    Previous,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Previous => "previous",
        })
    }
}
