//! The moment that pods without a readiness probe need to show that they stay.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Object, judge};

/// How long they have to run. Without a probe a container is ready as soon as it has started, also one that is about to end:
/// for an instant its Deployment is complete (helm#11193).
const SETTLING: Duration = Duration::from_secs(3);

/// Whether what stands has stood for long enough.
#[derive(Debug)]
pub(super) enum Settling {
    /// Probes say when pods are ready, or nothing is rolled out.
    Unneeded,
    /// Something does not stand yet.
    Waiting,
    /// All stands, and counts from then on.
    Until(Instant),
}

impl Settling {
    /// Returns what these objects need, as they are at the begin of a rollout.
    pub(super) fn of<'a>(mut objects: impl Iterator<Item = &'a Object>) -> Self {
        if objects.any(|object| !judge(object).is_complete() && lacks_probe(object)) {
            Self::Waiting
        } else {
            Self::Unneeded
        }
    }

    /// Tells, where all objects stand, whether they have stood for long enough.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        match self {
            Self::Unneeded => true,
            Self::Waiting => {
                *self = Self::Until(now + SETTLING);
                false
            }
            Self::Until(end) => *end <= now,
        }
    }

    /// Begins again: something does not stand any more.
    pub(super) fn interrupt(&mut self) {
        if let Self::Until(_) = self {
            *self = Self::Waiting;
        }
    }

    /// Returns when to look again.
    pub(super) fn end(&self) -> Option<Instant> {
        if let Self::Until(end) = self { Some(*end) } else { None }
    }
}

/// True for pods of which at least one container is ready as soon as it has started.
fn lacks_probe(object: &Object) -> bool {
    let runs = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].contains(&object.kind())
        && object.integer("/spec/replicas") != Some(0);
    let waits_anyway = object.integer("/spec/minReadySeconds").is_some_and(|seconds| seconds > 0);
    let containers = object.list("/spec/template/spec/containers");
    runs && !waits_anyway
        && containers.iter().any(|container| container["readinessProbe"].is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(spec: &serde_json::Value) -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 2},
            "spec": spec, "status": {"observedGeneration": 1},
        }))
    }

    #[test]
    fn pods_without_a_probe_have_to_stay_for_a_moment() {
        let template = json!({"spec": {"containers": [{"name": "web"}]}});
        let web = deployment(&json!({"replicas": 1, "template": template}));
        let mut settling = Settling::of([&web].into_iter());
        let begin = Instant::now();
        assert!(!settling.is_over(begin), "they stand for the first time");
        settling.interrupt();
        assert!(!settling.is_over(begin + SETTLING), "they did not stand all the time");
        assert!(settling.is_over(begin + 2 * SETTLING));
    }

    #[test]
    fn probes_and_nothing_to_run_need_no_moment() {
        let probed = json!({"spec": {"containers": [{"name": "web", "readinessProbe": {}}]}});
        let bare = json!({"spec": {"containers": [{"name": "web"}]}});
        for spec in [
            json!({"replicas": 1, "template": probed}),
            json!({"replicas": 0, "template": bare}),
            json!({"replicas": 1, "minReadySeconds": 5, "template": bare}),
        ] {
            assert!(Settling::of([&deployment(&spec)].into_iter()).is_over(Instant::now()));
        }
    }
}
