//! Which pods belong to a release, and which of them tell most.

use std::cmp::Reverse;

use serde_json::Value;

use crate::Object;

/// Returns those of `objects` that belong to one of `owners`.
pub(super) fn owned_by(objects: Vec<Object>, owners: &[Object]) -> Vec<Object> {
    let is_owned = |object: &Object| {
        let references = object.list("/metadata/ownerReferences").iter();
        references
            .filter_map(|reference| reference["uid"].as_str())
            .any(|uid| owners.iter().any(|owner| owner.uid() == uid))
    };
    objects.into_iter().filter(is_owned).collect()
}

/// Sorts pods: those that are not ready first, then the newest.
pub(super) fn sort(pods: &mut [Object]) {
    pods.sort_by_key(|pod| {
        let created = pod.text("/metadata/creationTimestamp").unwrap_or_default().to_owned();
        (is_ready(pod), Reverse(created), pod.name().to_owned())
    });
}

fn is_ready(pod: &Object) -> bool {
    pod.condition("Ready").is_some_and(|condition| condition["status"] == "True")
}

/// A container that has run, and how often it has been started again.
pub(super) struct Ran<'a> {
    pub(super) container: &'a str,
    pub(super) restarts: u64,
}

/// Returns the containers of a pod that have run; the others have no log.
pub(super) fn ran(pod: &Object) -> Vec<Ran<'_>> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = lists.into_iter().flat_map(|list| pod.list(list));
    statuses
        .filter_map(|status| {
            let restarts = status["restartCount"].as_u64().unwrap_or(0);
            let has_run = ["/state/running", "/state/terminated"]
                .iter()
                .any(|state| status.pointer(state).is_some_and(Value::is_object));
            let container = status["name"].as_str()?;
            (has_run || restarts > 0).then_some(Ran { container, restarts })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_that_are_not_ready_come_first_and_then_the_newest() {
        let pod = |name: &str, minute: u8, ready: &str| {
            Object::new(json!({
                "kind": "Pod",
                "metadata": {"name": name, "creationTimestamp": format!("2026-01-01T00:{minute:02}:00Z")},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
        };
        let mut pods = [pod("old", 1, "True"), pod("new", 3, "True"), pod("bad", 2, "False")];
        sort(&mut pods);
        assert_eq!(pods.each_ref().map(Object::name), ["bad", "new", "old"]);
    }

    #[test]
    fn a_container_that_never_ran_has_no_log() {
        let pod = Object::new(json!({"status": {
            "initContainerStatuses": [{"name": "migrate", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}],
            "containerStatuses": [
                {"name": "web", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
                {"name": "proxy", "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}},
            ],
        }}));
        let found: Vec<_> = ran(&pod).iter().map(|ran| (ran.container, ran.restarts)).collect();
        assert_eq!(found, [("migrate", 0), ("web", 3)]);
    }
}
