//! `kubectl rollout status statefulset`.

use super::{Verdict, count};
use crate::Object;

pub(super) fn judge(object: &Object) -> Verdict {
    if object.text("/spec/updateStrategy/type").unwrap_or("RollingUpdate") != "RollingUpdate" {
        return Verdict::complete(
            "rollout status is only available for RollingUpdate strategy type",
        );
    }
    let observed = count(object, "observedGeneration");
    if observed == 0 || object.integer("/metadata/generation").unwrap_or(0) > observed {
        return Verdict::progressing("Waiting for statefulset spec update to be observed...");
    }
    let ready = count(object, "readyReplicas");
    let replicas = object.integer("/spec/replicas");
    if let Some(missing) = replicas.map(|wanted| wanted - ready).filter(|missing| *missing > 0) {
        return Verdict::progressing(format!("Waiting for {missing} pods to be ready..."));
    }
    let updated = count(object, "updatedReplicas");
    if object.at("/spec/updateStrategy/rollingUpdate").is_some() {
        let partition = object.integer("/spec/updateStrategy/rollingUpdate/partition");
        if let (Some(replicas), Some(partition)) = (replicas, partition)
            && updated < replicas - partition
        {
            let wanted = replicas - partition;
            return Verdict::progressing(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated..."
            ));
        }
        return Verdict::complete(format!(
            "partitioned roll out complete: {updated} new pods have been updated..."
        ));
    }
    let update_revision = object.text("/status/updateRevision").unwrap_or_default();
    let current_revision = object.text("/status/currentRevision").unwrap_or_default();
    if update_revision != current_revision {
        return Verdict::progressing(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {update_revision}..."
        ));
    }
    let current = count(object, "currentReplicas");
    Verdict::complete(format!(
        "statefulset rolling update complete {current} pods at revision {current_revision}..."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(strategy: Value, status: Value) -> String {
        let mut object = Object::new(json!({
            "metadata": {"name": "n", "generation": 2}, "spec": {"replicas": 3},
        }));
        object.as_value_mut()["spec"]["updateStrategy"] = strategy;
        object.as_value_mut()["status"] = status;
        judge(&object).message().to_owned()
    }

    #[test]
    fn the_rules_and_texts_are_kubectl_s() {
        let plain = json!({"type": "RollingUpdate"});
        let partitioned = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
        for (strategy, status, text) in [
            (&plain, json!({}), "Waiting for statefulset spec update to be observed..."),
            (
                &plain,
                json!({"observedGeneration": 2, "readyReplicas": 1}),
                "Waiting for 2 pods to be ready...",
            ),
            (
                &partitioned,
                json!({"observedGeneration": 2, "readyReplicas": 3}),
                "Waiting for partitioned roll out to finish: 0 out of 1 new pods have been updated...",
            ),
            (
                &partitioned,
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1}),
                "partitioned roll out complete: 1 new pods have been updated...",
            ),
            (
                &plain,
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "n-2", "currentRevision": "n-1"}),
                "waiting for statefulset rolling update to complete 1 pods at revision n-2...",
            ),
            (
                &plain,
                json!({"observedGeneration": 2, "readyReplicas": 3, "currentReplicas": 3, "updateRevision": "n-2", "currentRevision": "n-2"}),
                "statefulset rolling update complete 3 pods at revision n-2...",
            ),
        ] {
            assert_eq!(judged(strategy.clone(), status), text);
        }
        assert!(
            judged(json!({"type": "OnDelete"}), json!({})).starts_with("rollout status is only")
        );
    }
}
