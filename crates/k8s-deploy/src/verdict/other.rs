//! Every other kind, by the conventions that kstatus describes.

use super::{Verdict, stalled};
use crate::Object;

pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    if object.at("/metadata/deletionTimestamp").is_some() {
        return Verdict::progressing(format!("Waiting for {id}, which is being deleted..."));
    }
    if object.is_observed() == Some(false) {
        return Verdict::progressing(format!("Waiting for {id} to be observed..."));
    }
    if let Some(verdict) = stalled(object) {
        return verdict;
    }
    let waiting = |what: &str| Verdict::progressing(format!("Waiting for {id}: {what}..."));
    let complete = Verdict::complete(format!("{id} is as specified"));
    match (object.group(), object.kind()) {
        ("", "Service") => service(object).map_or(complete, waiting),
        // A claim of a class with `WaitForFirstConsumer` stays pending until a pod uses it: the pod will tell.
        ("", "PersistentVolumeClaim") if object.text("/status/phase") == Some("Lost") => {
            Verdict::failed(format!("{id} has lost its volume"))
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            match (is_true(object, "NamesAccepted"), is_true(object, "Established")) {
                (Some(false), _) => Verdict::failed(format!("the names of {id} are taken")),
                (Some(true), Some(true)) => complete,
                _ => waiting("it is not established"),
            }
        }
        // Built-in kinds are what they are once they are written; their `Ready` means something else or nothing.
        (group, _) if !group.contains('.') || group.ends_with(".k8s.io") => complete,
        _ => match is_true(object, "Ready").or(is_true(object, "Available")) {
            Some(false) => waiting("it is not ready"),
            _ => complete,
        },
    }
}

/// Returns what a Service still lacks.
fn service(object: &Object) -> Option<&'static str> {
    let is_balancer = object.text("/spec/type") == Some("LoadBalancer");
    let has_address = !object.list("/status/loadBalancer/ingress").is_empty();
    (is_balancer && !has_address).then_some("the load balancer has no address")
}

fn is_true(object: &Object, condition: &str) -> Option<bool> {
    object.condition(condition).map(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(api_version: &str, kind: &str, rest: Value) -> Verdict {
        let mut object = rest;
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        object["metadata"]["name"] = "n".into();
        judge(&Object::new(object))
    }

    #[test]
    fn conventions_are_followed() {
        assert!(judged("v1", "ConfigMap", json!({})).is_complete());
        assert!(
            judged("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Pending"}}))
                .is_complete()
        );
        assert!(!judged("v1", "Service", json!({"spec": {"type": "LoadBalancer"}})).is_complete());
        let crd = "CustomResourceDefinition";
        assert!(!judged("apiextensions.k8s.io/v1", crd, json!({})).is_complete());
        let ready =
            |status| json!({"status": {"conditions": [{"type": "Ready", "status": status}]}});
        assert!(!judged("example.com/v1", "Database", ready("False")).is_complete());
        assert!(judged("example.com/v1", "Database", ready("True")).is_complete());
        assert!(judged("example.com/v1", "Database", json!({})).is_complete());
        let stalled = json!({"status": {"conditions": [{"type": "Stalled", "status": "True", "message": "no"}]}});
        assert_eq!(judged("example.com/v1", "Database", stalled).message(), "no");
        let deleting = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert!(!judged("v1", "ConfigMap", deleting).is_complete());
    }
}
