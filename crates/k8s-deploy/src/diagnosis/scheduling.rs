//! Pods that find no node, and volumes that do not come.

use super::{Cause, Diagnosis, Grade, Scene};
use crate::Object;

/// The grace of what another job may be about to write. The kubelet tries a volume again after 0.5, 1, 2, 4, 8 and 16 seconds, and
/// what came meanwhile may need one more try to be seen.
const MAY_COME: Grade = Grade::probable(35);

pub(super) fn diagnose(scene: &Scene<'_>, pod: &Object) -> Option<Diagnosis> {
    unschedulable(scene, pod).or_else(|| volume(scene, pod))
}

fn on_pod(
    scene: &Scene<'_>,
    pod: &Object,
    cause: Cause,
    grade: Grade,
    summary: String,
) -> Diagnosis {
    Diagnosis {
        cause,
        workload: scene.workload.id(),
        place: format!("pod/{}", pod.name()),
        summary,
        grade,
        evidence: Vec::new(),
        hint: None,
    }
}

fn unschedulable(scene: &Scene<'_>, pod: &Object) -> Option<Diagnosis> {
    let condition = pod.condition("PodScheduled")?;
    if condition["status"] != "False" || condition["reason"] != "Unschedulable" {
        return None;
    }
    let message = condition["message"].as_str().unwrap_or_default();
    let hint = if message.contains("Insufficient") {
        "ask for less in `resources.requests`, or add a node"
    } else if message.contains("taint") {
        "the nodes have taints the pod does not tolerate"
    } else if message.contains("unbound") {
        "has the claim's storage class a provisioner, or is there a volume that fits? `kubectl describe` of the claim says more"
    } else if message.contains("persistentvolumeclaim") {
        "the claim is missing: create it in the same namespace"
    } else {
        "no node has the labels the pod selects"
    };
    let grade = if message.contains("unbound") {
        // Provisioners take their time, and the binder looks every 15 seconds.
        Grade::probable(60)
    } else if message.contains("not found") {
        Grade::probable(20)
    } else {
        // An autoscaler may be adding a node, or an old pod about to leave one; two minutes are what they need.
        Grade::probable(120)
    };
    Some(
        on_pod(
            scene,
            pod,
            Cause::Unschedulable,
            grade,
            format!("no node takes the pod: {}", first_sentence(message)),
        )
        .with_hint(hint.to_owned()),
    )
}

/// The scheduler goes on with what it tried to make room: no part of the cause.
fn first_sentence(message: &str) -> &str {
    message.split_once(". ").map_or(message, |(first, _)| first).trim_end_matches('.')
}

fn volume(scene: &Scene<'_>, pod: &Object) -> Option<Diagnosis> {
    let is_pending = pod.text("/status/phase") == Some("Pending");
    let message = ["FailedMount", "FailedAttachVolume"]
        .iter()
        .find_map(|reason| scene.events.messages(pod.uid(), reason).first().copied())
        .filter(|_| is_pending)?;
    let lower = message.to_lowercase();
    let (cause, grade, summary) = if lower.contains("not found") && lower.contains("secret") {
        (Cause::SecretMissing, MAY_COME, "a Secret that is mounted is missing")
    } else if lower.contains("not found") && lower.contains("configmap") {
        (Cause::ConfigMapMissing, MAY_COME, "a ConfigMap that is mounted is missing")
    } else {
        (Cause::VolumeFailed, Grade::probable(90), "a volume cannot be mounted")
    };
    let is_missing = cause != Cause::VolumeFailed;
    let hint = is_missing
        .then(|| "create it in the same namespace, or correct the name in the manifest".to_owned());
    Some(on_pod(scene, pod, cause, grade, summary.into()).with_evidence([message]).with_hint(hint))
}
