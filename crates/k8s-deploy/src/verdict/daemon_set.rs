//! `kubectl rollout status daemonset`.

use super::{Verdict, count};
use crate::Object;

pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    if object.text("/spec/updateStrategy/type").unwrap_or("RollingUpdate") != "RollingUpdate" {
        return Verdict::complete(
            "rollout status is only available for RollingUpdate strategy type",
        );
    }
    let finish = |rest: String| {
        Verdict::progressing(format!("Waiting for daemon set \"{name}\" rollout to finish: {rest}"))
    };
    if object.integer("/metadata/generation").unwrap_or(0) > count(object, "observedGeneration") {
        return Verdict::progressing("Waiting for daemon set spec update to be observed...");
    }
    let desired = count(object, "desiredNumberScheduled");
    let updated = count(object, "updatedNumberScheduled");
    if updated < desired {
        return finish(format!("{updated} out of {desired} new pods have been updated..."));
    }
    let available = count(object, "numberAvailable");
    if available < desired {
        return finish(format!("{available} of {desired} updated pods are available..."));
    }
    Verdict::complete(format!("daemon set \"{name}\" successfully rolled out"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_rules_and_texts_are_kubectl_s() {
        let wait = "Waiting for daemon set \"n\" rollout to finish: ";
        for (status, text) in [
            (
                json!({"observedGeneration": 1}),
                "Waiting for daemon set spec update to be observed...".to_owned(),
            ),
            (
                json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1}),
                format!("{wait}1 out of 3 new pods have been updated..."),
            ),
            (
                json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
                format!("{wait}2 of 3 updated pods are available..."),
            ),
            (
                json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}),
                "daemon set \"n\" successfully rolled out".into(),
            ),
        ] {
            let object =
                Object::new(json!({"metadata": {"name": "n", "generation": 2}, "status": status}));
            assert_eq!(judge(&object).message(), text);
        }
        let on_delete = Object::new(json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}));
        assert!(judge(&on_delete).is_complete());
    }
}
