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
/// Longer than anybody waits.
const LONGEST: Duration = Duration::from_hours(24);
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
    // A CronJob runs nothing now.
    let pod = pod_spec_path(object).filter(|_| object.kind() != "CronJob");
    let Some(pod) = pod.and_then(|path| object.at(path)) else { return PULL };
    let start = list(pod, "containers").map(start_budget).max().unwrap_or_default();
    let grace = object.integer("/spec/minReadySeconds").unwrap_or(0).unsigned_abs();
    let mut per_wave = start + init_budget(pod) + OVERHEAD + Duration::from_secs(grace);
    if Turnover::of(object) == Turnover::OldFirst {
        let ending = pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        per_wave = per_wave.saturating_add(Duration::from_secs(ending));
    }
    PULL.saturating_add(per_wave.saturating_mul(waves(object))).min(LONGEST)
}

/// Whether an old pod ends before the new one starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turnover {
    OldFirst,
    NewFirst,
}

impl Turnover {
    fn of(object: &Object) -> Self {
        let surges = match object.kind() {
            "Deployment" => !is_recreated(object) && at_once(object, &SURGE) > 0,
            "DaemonSet" => at_once(object, &DAEMON_SURGE) > 0,
            _ => false,
        };
        if surges { Self::NewFirst } else { Self::OldFirst }
    }
}

fn is_recreated(object: &Object) -> bool {
    object.text("/spec/strategy/type") == Some("Recreate")
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

/// Returns how long the init containers may take. One that restarts always only has to start.
fn init_budget(pod: &Value) -> Duration {
    let (sidecars, tasks): (Vec<_>, Vec<_>) =
        list(pod, "initContainers").partition(|init| init["restartPolicy"] == "Always");
    let starts: Duration = sidecars
        .iter()
        .map(|sidecar| &sidecar["startupProbe"])
        .filter(|probe| probe.is_object())
        .map(crate::diagnosis::probe_budget)
        .sum();
    if tasks.is_empty() { starts } else { starts + INIT }
}

/// Returns how many times pods are replaced one after the other.
fn waves(object: &Object) -> u32 {
    let pods = replicas(object);
    let size = match object.kind() {
        "Deployment" if is_recreated(object) => pods,
        "Deployment" => at_once(object, &SURGE).saturating_add(at_once(object, &UNAVAILABLE)),
        "DaemonSet" => at_once(object, &DAEMON_SURGE).max(at_once(object, &DAEMON_UNAVAILABLE)),
        "StatefulSet" => at_once(object, &SET_UNAVAILABLE),
        _ => 1,
    };
    // Pods below the partition stay as they are.
    let partition = match object.kind() {
        "StatefulSet" => {
            object.integer("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0)
        }
        _ => 0,
    };
    let replaced = pods.saturating_sub(u32::try_from(partition).unwrap_or(0)).max(1);
    replaced.div_ceil(size.max(1))
}

fn replicas(object: &Object) -> u32 {
    let replicas = match object.kind() {
        "DaemonSet" => object.integer("/status/desiredNumberScheduled"),
        _ => object.integer("/spec/replicas"),
    };
    u32::try_from(replicas.unwrap_or(1)).unwrap_or(1).max(1)
}

/// How many pods a strategy may replace at once: a number, or a percentage of the replicas.
struct Share {
    path: &'static str,
    /// What the API server fills in.
    default: Fallback,
    /// How a percentage becomes a number (`intstr.GetScaledValueFromIntOrPercent`).
    rounding: Rounding,
}

enum Fallback {
    Percent(u32),
    Pods(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Up,
    Down,
}

const SURGE: Share = Share {
    path: "/spec/strategy/rollingUpdate/maxSurge",
    default: Fallback::Percent(25),
    rounding: Rounding::Up,
};
const UNAVAILABLE: Share = Share {
    path: "/spec/strategy/rollingUpdate/maxUnavailable",
    default: Fallback::Percent(25),
    rounding: Rounding::Down,
};
const DAEMON_SURGE: Share = Share {
    path: "/spec/updateStrategy/rollingUpdate/maxSurge",
    default: Fallback::Pods(0),
    rounding: Rounding::Up,
};
const DAEMON_UNAVAILABLE: Share = Share {
    path: "/spec/updateStrategy/rollingUpdate/maxUnavailable",
    default: Fallback::Pods(1),
    rounding: Rounding::Up,
};
const SET_UNAVAILABLE: Share = Share {
    path: "/spec/updateStrategy/rollingUpdate/maxUnavailable",
    default: Fallback::Pods(1),
    rounding: Rounding::Up,
};

fn at_once(object: &Object, share: &Share) -> u32 {
    let replicas = u64::from(replicas(object));
    let of_percent = |percent: u32| {
        let hundredths = replicas * u64::from(percent);
        let pods = if share.rounding == Rounding::Up {
            hundredths.div_ceil(100)
        } else {
            hundredths / 100
        };
        u32::try_from(pods).unwrap_or(u32::MAX)
    };
    match object.at(share.path) {
        Some(Value::Number(number)) => {
            number.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
        }
        Some(Value::String(text)) => text.trim_end_matches('%').parse().map_or(1, of_percent),
        _ => match share.default {
            Fallback::Percent(percent) => of_percent(percent),
            Fallback::Pods(pods) => pods,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seconds(kind: &str, spec: &Value) -> u64 {
        let status = json!({"desiredNumberScheduled": 6});
        expected_duration(&Object::new(json!({"kind": kind, "spec": spec, "status": status})))
            .as_secs()
    }

    /// A specification with these fields beside a pod of one container.
    fn with(fields: Value, pod: Value) -> Value {
        let mut spec =
            json!({"replicas": 2, "template": {"spec": {"containers": [{"name": "a"}]}}});
        for (from, into) in [(fields, "/"), (pod, "/template/spec")] {
            let target = if into == "/" { Some(&mut spec) } else { spec.pointer_mut(into) };
            let target = target.and_then(Value::as_object_mut).unwrap();
            target.extend(from.as_object().unwrap().clone());
        }
        spec
    }

    #[test]
    fn slower_pods_may_take_longer() {
        let deployment = |pod| seconds("Deployment", &with(json!({}), pod));
        assert_eq!(deployment(json!({})), 120 + 2 * 30);
        let probed = json!({"containers": [{"readinessProbe": {"initialDelaySeconds": 5}}]});
        assert_eq!(deployment(probed), 120 + 2 * (35 + 30));
        let both = json!({"containers": [
            {"startupProbe": {"periodSeconds": 2, "failureThreshold": 30}, "readinessProbe": {"periodSeconds": 5}},
            {"readinessProbe": {}},
        ]});
        assert_eq!(deployment(both), 120 + 2 * (60 + 15 + 30), "the slowest container counts");
        assert_eq!(deployment(json!({"initContainers": [{}, {}]})), 120 + 2 * (30 + 120));
        let sidecar = json!({"initContainers": [
            {"restartPolicy": "Always", "startupProbe": {"periodSeconds": 1, "failureThreshold": 20}},
        ]});
        assert_eq!(deployment(sidecar), 120 + 2 * (30 + 20));
        assert_eq!(
            deployment(json!({"initContainers": [{"restartPolicy": "Always"}]})),
            120 + 2 * 30
        );
    }

    #[test]
    fn the_strategy_says_how_many_pods_come_after_each_other() {
        let deployment = |fields| seconds("Deployment", &with(fields, json!({})));
        let rolling = |replicas: u32, surge: Value, unavailable: Value| {
            let rolling = json!({"maxSurge": surge, "maxUnavailable": unavailable});
            json!({"replicas": replicas, "strategy": {"rollingUpdate": rolling}})
        };
        assert_eq!(deployment(rolling(40, json!("25%"), json!(0))), 120 + 4 * 30);
        assert_eq!(deployment(rolling(4, json!(1), json!(1))), 120 + 2 * 30);
        assert_eq!(
            deployment(rolling(4, json!(0), json!(1))),
            120 + 4 * (30 + 30),
            "an old one ends first"
        );
        assert_eq!(deployment(json!({"replicas": 0})), 120 + 30);
        assert_eq!(
            deployment(json!({"replicas": 10, "strategy": {"type": "Recreate"}})),
            120 + 30 + 30
        );
        assert_eq!(deployment(json!({"minReadySeconds": 10})), 120 + 2 * (30 + 10));
        let huge = rolling(u32::MAX, json!("4000000000%"), json!(0));
        assert_eq!(deployment(huge), 120 + 30, "nothing overflows");
        assert_eq!(
            deployment(
                json!({"replicas": i32::MAX, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}})
            ),
            86_400
        );
    }

    #[test]
    fn other_workloads_have_strategies_of_their_own() {
        let update = |fields: Value| json!({"updateStrategy": {"rollingUpdate": fields}});
        let pod = json!({"terminationGracePeriodSeconds": 10});
        let set = |fields| seconds("StatefulSet", &with(fields, pod.clone()));
        assert_eq!(set(json!({})), 120 + 2 * 40);
        assert_eq!(set(update(json!({"partition": 1}))), 120 + 40);
        assert_eq!(set(update(json!({"maxUnavailable": 2}))), 120 + 40);
        let daemons = |fields| seconds("DaemonSet", &with(fields, pod.clone()));
        assert_eq!(daemons(json!({})), 120 + 6 * 40);
        assert_eq!(daemons(update(json!({"maxUnavailable": "50%"}))), 120 + 2 * 40);
        assert_eq!(daemons(update(json!({"maxSurge": 3, "maxUnavailable": 0}))), 120 + 2 * 30);
        assert_eq!(seconds("Job", &json!({"activeDeadlineSeconds": 90})), 90);
        assert_eq!(seconds("Job", &with(json!({}), json!({}))), 600);
        let cron = json!({"jobTemplate": {"spec": with(json!({}), json!({}))}});
        assert_eq!(seconds("CronJob", &cron), 120);
        assert_eq!(seconds("Service", &json!({})), 120);
    }
}
