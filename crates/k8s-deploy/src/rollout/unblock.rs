//! Removes the pods of a failed revision that a `StatefulSet` waits for.

use std::collections::HashSet;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};

use super::Former;
use crate::{Cluster, Object, Reporter};

/// Removes pods, each once.
pub(super) struct Unblocker<'a> {
    cluster: &'a Cluster,
    done: HashSet<String>,
}

impl<'a> Unblocker<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, done: HashSet::new() }
    }

    pub(super) async fn remove(&mut self, pods: Vec<Object>, reporter: &dyn Reporter) {
        for pod in pods {
            if !self.done.insert(pod.uid().into()) {
                continue;
            }
            let namespace = pod.namespace().unwrap_or_default();
            let api: Api<Pod> = Api::namespaced(self.cluster.client().clone(), namespace);
            let uid = Some(pod.uid().to_owned());
            let preconditions = Some(Preconditions { uid, resource_version: None });
            let params = DeleteParams { preconditions, ..DeleteParams::default() };
            match api.delete(pod.name(), &params).await {
                Ok(_) => reporter.removed(&pod.id(), "its revision failed and holds up the next"),
                // Gone, or made again under its name.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => {
                    let error = self.cluster.error(format!("delete {}", pod.id()), error);
                    reporter.warned(&format!("{error}; its `StatefulSet` waits for it"));
                }
            }
        }
    }
}

/// Tells whether the controller of `workload` waits for `pod` of a revision that failed. `replaced` is the revision that was to be
/// rolled out before.
pub(super) fn is_stuck(
    pod: &Object,
    workload: &Object,
    replaced: Option<&str>,
    former: Former,
) -> bool {
    let waits = workload.kind() == "StatefulSet"
        && workload.text("/spec/podManagementPolicy") != Some("Parallel")
        // Before that, it would make the pod again as it was.
        && workload.is_observed() == Some(true);
    let is_ready = pod.condition("Ready").is_some_and(|condition| condition["status"] == "True");
    if !waits || is_ready || pod.at("/metadata/deletionTimestamp").is_some() {
        return false;
    }
    let Some(revision) = pod.label("controller-revision-hash") else { return false };
    let current = workload.text("/status/currentRevision");
    let is_old = workload.text("/status/updateRevision").is_some_and(|wanted| wanted != revision);
    is_old
        && match former {
            Former::Stands => false,
            Former::Failed => current != Some(revision) || replaced == Some(revision),
            Former::NeverStood => true,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(current: &str, wanted: &str) -> Object {
        Object::new(json!({
            "kind": "StatefulSet", "metadata": {"name": "db", "generation": 3}, "spec": {},
            "status": {"observedGeneration": 3, "currentRevision": current, "updateRevision": wanted},
        }))
    }

    fn pod(revision: &str, ready: &str) -> Object {
        Object::new(json!({
            "kind": "Pod",
            "metadata": {"name": "db-0", "labels": {"controller-revision-hash": revision}},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
    }

    #[test]
    fn only_unready_pods_of_a_failed_revision_are_stuck() {
        let stuck = |current, wanted, revision, replaced, former| {
            is_stuck(&pod(revision, "False"), &workload(current, wanted), replaced, former)
        };
        // Back from `b`, which failed, to `a`; then on to `c` instead.
        assert!(stuck("a", "a", "b", Some("b"), Former::Failed));
        assert!(stuck("a", "c", "b", None, Former::Failed));
        assert!(!stuck("a", "c", "a", Some("b"), Former::Failed), "`a` stood");
        assert!(!stuck("a", "c", "c", Some("b"), Former::Failed), "`c` is what is wanted");
        // All pods of `b` had been ready once.
        assert!(stuck("b", "a", "b", Some("b"), Former::Failed));
        assert!(stuck("b", "c", "b", None, Former::NeverStood));
        assert!(!stuck("a", "c", "b", Some("b"), Former::Stands));
        assert!(!is_stuck(&pod("b", "True"), &workload("a", "a"), None, Former::Failed));
        let mut unseen = workload("a", "a");
        unseen.as_value_mut()["metadata"]["generation"] = 4.into();
        assert!(!is_stuck(&pod("b", "False"), &unseen, None, Former::Failed));
        let mut parallel = workload("a", "a");
        parallel.as_value_mut()["spec"]["podManagementPolicy"] = "Parallel".into();
        assert!(!is_stuck(&pod("b", "False"), &parallel, None, Former::Failed));
    }
}
