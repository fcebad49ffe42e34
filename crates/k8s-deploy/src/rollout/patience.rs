//! How long a rollout may take, from what it says of itself.

use std::time::Duration;

use serde_json::Value;

use crate::{Object, pin::pod_spec_path};

/// For pulling the image, which happens once per node, before the first pod starts.
const PULL: Duration = Duration::from_mins(2);
/// For scheduling a pod, its sandbox and the endpoints.
const OVERHEAD: Duration = Duration::from_secs(30);
/// For all the init containers of a pod.
const INIT: Duration = Duration::from_mins(2);
/// For what ends by itself and names no limit.
const JOB: Duration = Duration::from_mins(10);

/// Returns how long a rollout of `object` may take when nothing is wrong.
///
/// Computed from the probes, the strategy and the number of pods: a flat ten minutes is too long for two small pods
/// and too short for fifty slow ones.
///
/// ```
/// use notes_k8s_deploy::{Object, rollout::expected_duration};
///
/// let object = Object::new(serde_json::json!({"kind": "Deployment", "spec": {"replicas": 4, "template": {"spec": {
///     "containers": [{"name": "web", "startupProbe": {"periodSeconds": 2, "failureThreshold": 30}}],
/// }}}}));
/// // Four pods, two at a time: 120 s for the image, then 2 × (60 s for the start + 30 s).
/// assert_eq!(expected_duration(&object).as_secs(), 300);
/// ```
pub fn expected_duration(object: &Object) -> Duration {
    if object.kind() == "Job" {
        let limit = object.integer("/spec/activeDeadlineSeconds");
        return limit.and_then(|limit| u64::try_from(limit).ok()).map_or(JOB, Duration::from_secs);
    }
    let Some(pod) = pod_spec_path(object).and_then(|path| object.at(path)) else { return PULL };
    let start = list(pod, "containers").map(start_budget).max().unwrap_or_default();
    let grace = object.integer("/spec/minReadySeconds").unwrap_or(0).unsigned_abs();
    let has_init = list(pod, "initContainers").next().is_some();
    let mut per_wave = start + OVERHEAD + Duration::from_secs(grace);
    if at_once(object, "maxSurge", 25) == 0 || object.kind() != "Deployment" {
        // An old pod must end before the new one has its place.
        per_wave +=
            Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30));
    }
    if has_init {
        per_wave += INIT;
    }
    PULL + per_wave * waves(object)
}

fn list<'a>(pod: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    pod[field].as_array().into_iter().flatten()
}

/// Returns how long a container may take until it is ready.
fn start_budget(container: &Value) -> Duration {
    ["startupProbe", "readinessProbe"]
        .iter()
        .filter(|probe| container[**probe].is_object())
        .map(|probe| crate::diagnosis::probe_budget(&container[*probe]))
        .sum()
}

/// Returns how many times pods are replaced one after the other.
fn waves(object: &Object) -> u32 {
    let replicas = match object.kind() {
        "DaemonSet" => object.integer("/status/desiredNumberScheduled"),
        _ => object.integer("/spec/replicas"),
    };
    let replicas = u32::try_from(replicas.unwrap_or(1)).unwrap_or(1).max(1);
    let size = match object.kind() {
        "Deployment" => at_once(object, "maxSurge", 25) + at_once(object, "maxUnavailable", 25),
        _ => 1,
    };
    replicas.div_ceil(size.max(1))
}

/// Returns how many pods `field` of the strategy allows, which may be a percentage of the replicas.
fn at_once(object: &Object, field: &str, default_percent: u32) -> u32 {
    let replicas = u32::try_from(object.integer("/spec/replicas").unwrap_or(1)).unwrap_or(1);
    let percent = |percent: u32| (replicas * percent).div_ceil(100);
    match object.at(&format!("/spec/strategy/rollingUpdate/{field}")) {
        Some(Value::Number(number)) => {
            number.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
        }
        Some(Value::String(text)) => text.trim_end_matches('%').parse().map_or(1, percent),
        // Without a strategy the API server would use a quarter, rounded up for the surge and down for the rest.
        _ if field == "maxSurge" => percent(default_percent),
        _ => replicas * default_percent / 100,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn more_and_slower_pods_may_take_longer() {
        let seconds = |kind: &str, spec: Value| {
            expected_duration(&Object::new(json!({"kind": kind, "spec": spec}))).as_secs()
        };
        let template = |pod: Value| json!({"replicas": 2, "template": {"spec": pod}});
        let plain = seconds("Deployment", template(json!({"containers": [{"name": "a"}]})));
        assert_eq!(plain, 120 + 2 * 30);
        let probed = json!({"containers": [{"readinessProbe": {"initialDelaySeconds": 5}}]});
        assert_eq!(seconds("Deployment", template(probed)), 120 + 2 * (35 + 30));
        let init = json!({"initContainers": [{}], "containers": [{}]});
        assert_eq!(seconds("Deployment", template(init)), 120 + 2 * (30 + 120));
        let stateful = template(json!({"containers": [{}], "terminationGracePeriodSeconds": 10}));
        assert_eq!(seconds("StatefulSet", stateful), 120 + 2 * 40);
        assert_eq!(seconds("Job", json!({"activeDeadlineSeconds": 90})), 90);
        assert_eq!(seconds("Service", json!({})), 120);
        let mut many = template(json!({"containers": [{}]}));
        many["replicas"] = 40.into();
        many["strategy"] = json!({"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}});
        assert_eq!(seconds("Deployment", many), 120 + 4 * 30);
    }
}
