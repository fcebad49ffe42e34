//! A `ReplicaSet` that is deployed by itself.

use super::{Verdict, count, holding, words};
use crate::Object;

/// Judges by kstatus's rules in their order, with one exception: pods that a quota or an admission controller refuses
/// are a failure, not a thing that comes with waiting.
pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    let wait = |rest: String| {
        Verdict::progressing(format!("Waiting for replica set \"{name}\": {rest}..."))
    };
    if let Some(failure) = holding(object, "ReplicaFailure") {
        let why = words(failure).unwrap_or("its controller does not say why");
        return if failure["reason"] == "FailedCreate" {
            Verdict::failed(format!("replica set \"{name}\" cannot create pods: {why}"))
        } else {
            wait(why.to_owned())
        };
    }
    let wanted = object.integer("/spec/replicas").unwrap_or(1);
    for (field, what) in [
        ("fullyLabeledReplicas", "have their labels"),
        ("availableReplicas", "are available"),
        ("readyReplicas", "are ready"),
    ] {
        let reached = count(object, field);
        if reached < wanted {
            return wait(format!("{reached} of {wanted} pods {what}"));
        }
    }
    let replicas = count(object, "replicas");
    if replicas > wanted {
        return wait(format!("{} pods are pending termination", replicas - wanted));
    }
    Verdict::complete(format!("replica set \"{name}\" has {replicas} available pods"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::told;

    fn counts(replicas: u8, ready: u8, available: u8, labelled: u8) -> Value {
        json!({
            "observedGeneration": 1, "replicas": replicas, "readyReplicas": ready,
            "availableReplicas": available, "fullyLabeledReplicas": labelled,
        })
    }

    #[test]
    fn the_rules_are_kstatus_s_and_refused_pods_are_a_failure() {
        let failure = |reason: &str| {
            let mut status = counts(2, 2, 2, 2);
            status["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": reason, "message": "exceeded quota"}]);
            status
        };
        let mut passed = counts(2, 2, 2, 2);
        passed["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate"}]);
        let wait = "progressing: Waiting for replica set \"n\":";
        for (status, expected) in [
            (json!({}), format!("{wait} 0 of 2 pods have their labels...")),
            (
                json!({"observedGeneration": 0}),
                "progressing: Waiting for replicaset/n to be observed...".into(),
            ),
            (counts(2, 2, 1, 2), format!("{wait} 1 of 2 pods are available...")),
            (counts(2, 1, 2, 2), format!("{wait} 1 of 2 pods are ready...")),
            (counts(5, 2, 2, 2), format!("{wait} 3 pods are pending termination...")),
            (counts(2, 2, 2, 2), "complete: replica set \"n\" has 2 available pods".into()),
            (passed, "complete: replica set \"n\" has 2 available pods".into()),
            (
                failure("FailedCreate"),
                "failed: replica set \"n\" cannot create pods: exceeded quota".into(),
            ),
            (failure("FailedDelete"), format!("{wait} exceeded quota...")),
        ] {
            let rest =
                json!({"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": status});
            assert_eq!(told("apps/v1", "ReplicaSet", rest.clone()), expected, "{rest}");
        }
    }
}
