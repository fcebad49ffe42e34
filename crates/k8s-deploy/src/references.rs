//! What a pod names that has to be there before it can run.

use std::collections::BTreeSet;

use serde_json::Value;

/// An object of the pod's namespace: its kind and its name.
pub(crate) type Reference = (&'static str, String);

/// The fields of a pod that name others, each with the key of the name below it and the kind (core/v1 `PodSpec`).
const FIELDS: [(&str, &str, &str); 9] = [
    ("secretKeyRef", "name", "Secret"),
    ("secretRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    ("secret", "name", "Secret"),
    ("imagePullSecrets", "name", "Secret"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMapRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
    ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
];

/// Returns what a pod's specification names, wherever it stands in it.
pub(crate) fn references(pod: &Value) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    if let Some(name) = pod["serviceAccountName"].as_str() {
        found.insert(("ServiceAccount", name.to_owned()));
    }
    find(pod, &mut found);
    found
}

fn find(value: &Value, found: &mut BTreeSet<Reference>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| find(item, found)),
        Value::Object(fields) => {
            for (field, value) in fields {
                for (_, key, kind) in FIELDS.iter().filter(|(known, ..)| known == field) {
                    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    let names = items.iter().filter_map(|item| item[*key].as_str());
                    found.extend(names.map(|name| (*kind, name.to_owned())));
                }
                find(value, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_pod_needs_is_found_wherever_it_is_named() {
        let found = references(&json!({
            "serviceAccountName": "worker",
            "imagePullSecrets": [{"name": "pull"}],
            "containers": [{
                "name": "secret",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "a"}}}],
                "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "settings"}}],
            }],
            "volumes": [
                {"name": "v", "secret": {"secretName": "volume"}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "files"}}]}},
            ],
        }));
        let found: Vec<_> = found.iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
        assert_eq!(
            found,
            [
                "ConfigMap/files",
                "ConfigMap/settings",
                "PersistentVolumeClaim/data",
                "Secret/all",
                "Secret/key",
                "Secret/projected",
                "Secret/pull",
                "Secret/volume",
                "ServiceAccount/worker",
            ]
        );
    }
}
