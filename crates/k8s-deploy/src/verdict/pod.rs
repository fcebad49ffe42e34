//! A Pod that is deployed by itself.

use super::Verdict;
use crate::Object;

/// Judges by phase and readiness. kstatus calls a failed pod current; here it has failed.
pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    let is_ready = object.condition("Ready").is_some_and(|condition| condition["status"] == "True");
    match object.text("/status/phase") {
        Some("Succeeded") => Verdict::complete(format!("pod \"{name}\" succeeded")),
        Some("Failed") => Verdict::failed(format!(
            "pod \"{name}\" failed: {}",
            object
                .text("/status/message")
                .or(object.text("/status/reason"))
                .unwrap_or("a container failed")
        )),
        Some("Running") if is_ready => Verdict::complete(format!("pod \"{name}\" is ready")),
        Some("Running") => {
            Verdict::progressing(format!("Waiting for pod \"{name}\" to be ready..."))
        }
        _ => Verdict::progressing(format!("Waiting for pod \"{name}\" to start...")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_pod_is_not_current() {
        let pod =
            |status| judge(&Object::new(json!({"metadata": {"name": "n"}, "status": status})));
        assert!(matches!(
            pod(json!({"phase": "Failed", "reason": "Evicted"})),
            Verdict::Failed { reason } if reason == "pod \"n\" failed: Evicted"
        ));
        assert!(!pod(json!({"phase": "Running"})).is_complete());
        let ready =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
        assert!(pod(ready).is_complete());
        assert!(!pod(json!({"phase": "Pending"})).is_complete());
    }
}
