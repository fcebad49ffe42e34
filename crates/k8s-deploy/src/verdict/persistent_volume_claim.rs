//! A `PersistentVolumeClaim`: it stands once it is bound, or where only a pod can have it bound.

use super::Verdict;
use crate::Object;

/// Says that a volume is being made: the controller sets the first before it asks the provisioner (of a class with
/// `WaitForFirstConsumer` not before a pod uses the claim), the scheduler sets the last.
const PROVISIONING: [&str; 3] = [
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
];

/// Judges by the phase. kstatus waits for `Bound` in any case, and so for ever for a claim of a class with
/// `WaitForFirstConsumer` that no pod uses yet.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    match object.text("/status/phase") {
        Some("Bound") => Verdict::complete(format!("{id} is bound")),
        Some("Lost") => Verdict::failed(format!("{id} has lost its volume")),
        Some("Pending") if is_provisioning(object) => {
            Verdict::progressing(format!("Waiting for {id}: its volume is being made..."))
        }
        Some("Pending") => {
            Verdict::complete(format!("{id} is there, and bound when a pod uses it"))
        }
        _ => Verdict::progressing(format!("Waiting for {id} to be observed...")),
    }
}

fn is_provisioning(object: &Object) -> bool {
    PROVISIONING.iter().any(|key| object.annotation(key).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn a_claim_that_waits_for_a_pod_is_not_waited_for() {
        let id = "persistentvolumeclaim/n";
        let making = json!({
            "metadata": {"annotations": {"volume.kubernetes.io/storage-provisioner": "disk.example"}},
            "status": {"phase": "Pending"},
        });
        for (rest, expected) in [
            (
                json!({"metadata": {"generation": 1}}),
                format!("progressing: Waiting for {id} to be observed..."),
            ),
            (json!({"status": {"phase": "Bound"}}), format!("complete: {id} is bound")),
            (
                json!({"status": {"phase": "Pending"}}),
                format!("complete: {id} is there, and bound when a pod uses it"),
            ),
            (making, format!("progressing: Waiting for {id}: its volume is being made...")),
            (json!({"status": {"phase": "Lost"}}), format!("failed: {id} has lost its volume")),
        ] {
            assert_eq!(told("v1", "PersistentVolumeClaim", rest.clone()), expected, "{rest}");
        }
    }
}
