//! `kubectl rollout status deployment`.

use super::{Verdict, count};
use crate::Object;

pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    let finish = |rest: String| {
        Verdict::progressing(format!("Waiting for deployment \"{name}\" rollout to finish: {rest}"))
    };
    let generation = object.integer("/metadata/generation").unwrap_or(0);
    if generation > count(object, "observedGeneration") {
        return Verdict::progressing("Waiting for deployment spec update to be observed...");
    }
    if object.condition("Progressing").is_some_and(|c| c["reason"] == "ProgressDeadlineExceeded") {
        return Verdict::failed(format!("deployment \"{name}\" exceeded its progress deadline"));
    }
    let updated = count(object, "updatedReplicas");
    if let Some(wanted) = object.integer("/spec/replicas").filter(|wanted| updated < *wanted) {
        return finish(format!("{updated} out of {wanted} new replicas have been updated..."));
    }
    let replicas = count(object, "replicas");
    if replicas > updated {
        return finish(format!("{} old replicas are pending termination...", replicas - updated));
    }
    let available = count(object, "availableReplicas");
    if available < updated {
        return finish(format!("{available} of {updated} updated replicas are available..."));
    }
    Verdict::complete(format!("deployment \"{name}\" successfully rolled out"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(replicas: i64, status: Value) -> String {
        let mut object = Object::new(json!({
            "metadata": {"name": "n", "generation": 2}, "spec": {"replicas": replicas},
        }));
        object.as_value_mut()["status"] = status;
        judge(&object).message().to_owned()
    }

    /// One row per rule of kubectl, in its order; the first that holds wins.
    #[test]
    fn the_rules_and_texts_are_kubectl_s() {
        let wait = "Waiting for deployment \"n\" rollout to finish: ";
        for (replicas, status, text) in [
            (2, json!({}), "Waiting for deployment spec update to be observed...".to_owned()),
            (
                2,
                json!({"observedGeneration": 1, "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}),
                "Waiting for deployment spec update to be observed...".into(),
            ),
            (
                2,
                json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "True", "reason": "ProgressDeadlineExceeded"}]}),
                "deployment \"n\" exceeded its progress deadline".into(),
            ),
            (
                2,
                json!({"observedGeneration": 2, "updatedReplicas": 1, "replicas": 3}),
                format!("{wait}1 out of 2 new replicas have been updated..."),
            ),
            (
                2,
                json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3}),
                format!("{wait}1 old replicas are pending termination..."),
            ),
            (
                2,
                json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1}),
                format!("{wait}1 of 2 updated replicas are available..."),
            ),
            (
                2,
                json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}),
                "deployment \"n\" successfully rolled out".into(),
            ),
            (
                0,
                json!({"observedGeneration": 2}),
                "deployment \"n\" successfully rolled out".into(),
            ),
        ] {
            assert_eq!(judged(replicas, status.clone()), text, "{status}");
        }
    }
}
