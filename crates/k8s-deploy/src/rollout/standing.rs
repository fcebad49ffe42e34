//! How the objects of a rollout stand, for a table.

use crate::{Object, ObjectId, Verdict};

/// How one object of a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which object.
    pub id: ObjectId,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its pods; none for what has no pods.
    pub counts: Option<Counts>,
}

/// How many of a workload's pods are how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// How many there are to be.
    pub wanted: i64,
    /// How many are ready, of any revision.
    pub ready: i64,
    /// How many are of the new revision.
    pub updated: i64,
    /// How many have been ready for long enough, of any revision.
    pub available: i64,
}

impl Counts {
    /// Reads the counts of a workload.
    ///
    /// ```
    /// use notes_k8s_deploy::{Object, rollout::Counts};
    ///
    /// let web = Object::new(serde_json::json!({
    ///     "apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3},
    ///     "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
    /// }));
    /// assert_eq!(Counts::of(&web), Some(Counts { wanted: 3, ready: 2, updated: 1, available: 2 }));
    /// ```
    pub fn of(object: &Object) -> Option<Self> {
        let count = |field: &str| object.integer(&format!("/status/{field}")).unwrap_or(0);
        match (object.group(), object.kind()) {
            ("apps", "Deployment" | "StatefulSet") => Some(Self {
                wanted: object.integer("/spec/replicas").unwrap_or(1),
                ready: count("readyReplicas"),
                updated: count("updatedReplicas"),
                available: count("availableReplicas"),
            }),
            ("apps", "DaemonSet") => Some(Self {
                wanted: count("desiredNumberScheduled"),
                ready: count("numberReady"),
                updated: count("updatedNumberScheduled"),
                available: count("numberAvailable"),
            }),
            _ => None,
        }
    }
}
