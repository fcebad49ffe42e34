//! What the Pod Security Standards demand of pods, as far as it decides about most applications.

use serde_json::Value;

/// Returns what keeps a pod from the level `baseline` or `restricted`, as the server would say it.
pub(super) fn violations(pod: &Value, level: &str) -> Vec<String> {
    let mut found = Vec::new();
    if matches!(level, "baseline" | "restricted") {
        found.extend(of_baseline(pod));
    }
    if level == "restricted" {
        found.extend(of_restricted(pod));
    }
    found
}

fn of_baseline(pod: &Value) -> Vec<String> {
    let mut found: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| pod[*field] == true)
        .map(|field| format!("{field}: true"))
        .collect();
    if list(pod, "volumes").any(|volume| volume["hostPath"].is_object()) {
        found.push("a hostPath volume".into());
    }
    for container in containers(pod) {
        let name = name(container);
        if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
            found.push(format!("{name}: privileged"));
        }
        if list(container, "ports").any(|port| port["hostPort"].as_i64().unwrap_or(0) != 0) {
            found.push(format!("{name}: hostPort"));
        }
    }
    found
}

fn of_restricted(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let of_pod = |field: &str| pod.pointer(&format!("/securityContext/{field}"));
    for container in containers(pod) {
        let name = name(container);
        let own = |field: &str| container.pointer(&format!("/securityContext/{field}"));
        let either = |field: &str| own(field).or_else(|| of_pod(field));
        if own("allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
            found.push(format!("{name}: allowPrivilegeEscalation is not false"));
        }
        let dropped = own("capabilities/drop").and_then(Value::as_array);
        if !dropped.is_some_and(|dropped| dropped.iter().any(|capability| capability == "ALL")) {
            found.push(format!("{name}: capabilities.drop has no ALL"));
        }
        if either("runAsNonRoot") != Some(&Value::Bool(true)) {
            found.push(format!("{name}: runAsNonRoot is not true"));
        }
        if either("runAsUser").and_then(Value::as_i64) == Some(0) {
            found.push(format!("{name}: runAsUser is 0"));
        }
        let profile = either("seccompProfile/type").and_then(Value::as_str);
        if !matches!(profile, Some("RuntimeDefault" | "Localhost")) {
            found.push(format!("{name}: seccompProfile is not RuntimeDefault"));
        }
    }
    found
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "initContainers").chain(list(pod, "containers"))
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn name(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_level_demands_its_own() {
        let plain = json!({"containers": [{"name": "web"}]});
        assert!(violations(&plain, "privileged").is_empty());
        assert!(violations(&plain, "baseline").is_empty());
        assert_eq!(violations(&plain, "restricted").len(), 4);
        let host = json!({"hostNetwork": true, "volumes": [{"hostPath": {}}], "containers": [
            {"name": "web", "securityContext": {"privileged": true}, "ports": [{"hostPort": 80}]},
        ]});
        assert_eq!(
            violations(&host, "baseline"),
            ["hostNetwork: true", "a hostPath volume", "web: privileged", "web: hostPort"]
        );
        let tight = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "web", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
            }}],
        });
        assert_eq!(violations(&tight, "restricted"), Vec::<String>::new());
    }
}
