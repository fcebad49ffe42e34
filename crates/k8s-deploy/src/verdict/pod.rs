//! A Pod that is deployed by itself.

use serde_json::Value;

use super::{Verdict, holding, words};
use crate::{Object, diagnosis::is_image_lost};

/// Judges by phase and readiness, and where the pod is not ready by what its containers wait for.
pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    match object.text("/status/phase") {
        Some("Succeeded") => Verdict::complete(format!("pod \"{name}\" succeeded")),
        Some("Failed") => {
            let why = object.text("/status/message").or(object.text("/status/reason"));
            Verdict::failed(format!(
                "pod \"{name}\" failed: {}",
                why.unwrap_or("a container failed")
            ))
        }
        Some("Running") if holding(object, "Ready").is_some() => {
            Verdict::complete(format!("pod \"{name}\" is ready"))
        }
        phase => match containers(object).find_map(stuck) {
            Some(why) => Verdict::failed(format!("pod \"{name}\": {why}")),
            None => Verdict::progressing(format!(
                "Waiting for pod \"{name}\" {}...",
                lack(object, phase)
            )),
        },
    }
}

/// Returns the states of all containers, those that run first at the front.
fn containers(object: &Object) -> impl Iterator<Item = &Value> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .flat_map(|list| object.list(list))
}

/// Returns why a container will not run however long it is waited for.
fn stuck(status: &Value) -> Option<String> {
    let name = status["name"].as_str().unwrap_or_default();
    let waiting = status.pointer("/state/waiting")?;
    let image = status["image"].as_str().unwrap_or_default();
    let message = waiting["message"].as_str().unwrap_or_default();
    match waiting["reason"].as_str()? {
        "CrashLoopBackOff" => Some(format!("container {name} ends again and again")),
        "InvalidImageName" => Some(format!("container {name} has no valid image name: `{image}`")),
        "ErrImageNeverPull" => {
            Some(format!("container {name} may not pull its image `{image}`, which is not there"))
        }
        "ErrImagePull" | "ImagePullBackOff" if is_image_lost(image, message) => {
            Some(format!("container {name} cannot have its image: {message}"))
        }
        _ => None,
    }
}

/// Returns what a pod still lacks.
fn lack(object: &Object, phase: Option<&str>) -> String {
    let unplaced = object.condition("PodScheduled").filter(|c| c["status"] == "False");
    let waits = containers(object).find_map(|status| {
        let reason = status.pointer("/state/waiting/reason")?.as_str()?;
        // What every container says until it is its turn.
        let is_common = matches!(reason, "ContainerCreating" | "PodInitializing");
        (!is_common).then(|| {
            format!(
                "to start: container {} waits: {reason}",
                status["name"].as_str().unwrap_or_default()
            )
        })
    });
    match (phase, unplaced.and_then(words), waits) {
        (_, Some(why), _) => format!("to be scheduled: {}", why.trim_end_matches('.')),
        (_, None, Some(waits)) => waits,
        (Some("Running"), None, None) => "to be ready".into(),
        _ => "to start".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::told;

    fn waiting(list: &str, phase: &str, reason: &str, message: &str) -> Value {
        let mut status = json!({"phase": phase});
        status[list] = json!([{
            "name": "web", "image": "r.example/web:1",
            "state": {"waiting": {"reason": reason, "message": message}},
        }]);
        status
    }

    /// kstatus's own cases, with the two that we judge otherwise.
    #[test]
    fn phases_and_readiness() {
        let condition = |kind: &str, status: &str, reason: &str| json!([{"type": kind, "status": status, "reason": reason}]);
        for (status, expected) in [
            (json!({}), "progressing: Waiting for pod \"n\" to start..."),
            (
                json!({"phase": "Running", "conditions": condition("Ready", "True", "")}),
                "complete: pod \"n\" is ready",
            ),
            (json!({"phase": "Running"}), "progressing: Waiting for pod \"n\" to be ready..."),
            (
                json!({"phase": "Succeeded", "conditions": condition("Ready", "False", "PodCompleted")}),
                "complete: pod \"n\" succeeded",
            ),
            // Current for kstatus: it has ended, though not well.
            (
                json!({"phase": "Failed", "conditions": condition("Ready", "False", "PodCompleted")}),
                "failed: pod \"n\" failed: a container failed",
            ),
            (json!({"phase": "Failed", "reason": "Evicted"}), "failed: pod \"n\" failed: Evicted"),
            // Failed for kstatus after 15 seconds: an autoscaler takes longer.
            (
                json!({"phase": "Pending", "conditions": condition("PodScheduled", "False", "Unschedulable")}),
                "progressing: Waiting for pod \"n\" to be scheduled: Unschedulable...",
            ),
        ] {
            let rest = json!({"metadata": {"generation": 1}, "status": status});
            assert_eq!(told("v1", "Pod", rest.clone()), expected, "{rest}");
        }
    }

    /// The holes of kstatus: init containers, images, and pods that are not running yet.
    #[test]
    fn containers_that_will_never_run() {
        let main = "containerStatuses";
        let lost = "rpc error: code = NotFound desc = failed to pull r.example/web:1: not found";
        for (status, expected) in [
            (
                waiting(main, "Running", "CrashLoopBackOff", ""),
                "failed: pod \"n\": container web ends again and again".to_owned(),
            ),
            (
                waiting("initContainerStatuses", "Pending", "CrashLoopBackOff", ""),
                "failed: pod \"n\": container web ends again and again".into(),
            ),
            (
                waiting(main, "Pending", "InvalidImageName", ""),
                "failed: pod \"n\": container web has no valid image name: `r.example/web:1`".into(),
            ),
            (
                waiting(main, "Pending", "ErrImageNeverPull", ""),
                "failed: pod \"n\": container web may not pull its image `r.example/web:1`, which is not there".into(),
            ),
            (
                waiting(main, "Pending", "ImagePullBackOff", lost),
                format!("failed: pod \"n\": container web cannot have its image: {lost}"),
            ),
            // The registry may be back in a moment, the Secret be written.
            (
                waiting(main, "Pending", "ErrImagePull", "503 Service Unavailable"),
                "progressing: Waiting for pod \"n\" to start: container web waits: ErrImagePull...".into(),
            ),
            (
                waiting(main, "Pending", "CreateContainerConfigError", "secret \"s\" not found"),
                "progressing: Waiting for pod \"n\" to start: container web waits: CreateContainerConfigError...".into(),
            ),
            (
                waiting(main, "Pending", "ContainerCreating", ""),
                "progressing: Waiting for pod \"n\" to start...".into(),
            ),
        ] {
            assert_eq!(told("v1", "Pod", json!({"status": status})), expected, "{status}");
        }
    }
}
