//! What of an object is compared and shown.

use serde_json::{Map, Value};

use crate::Object;

/// What the server writes into `metadata`.
const BOOKKEEPING: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"];

/// What clients and controllers write into the annotations; the first repeats the whole object, with a Secret's values.
const REMARKS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
];

const HIDDEN: &str = "(hidden)";
const HIDDEN_CHANGED: &str = "(hidden, another value)";

/// Returns both objects without what the server writes by itself, and without the values of Secrets.
pub(super) fn visible(before: Option<&Object>, after: &Object) -> (Option<Object>, Object) {
    let mut before = before.map(described);
    let mut after = described(after);
    if after.is_secret() {
        for field in ["data", "stringData"] {
            hide(before.as_mut(), &mut after, field);
        }
    }
    (before, after)
}

/// Returns what somebody has described, of what the server knows.
fn described(object: &Object) -> Object {
    let mut value = object.as_value().clone();
    let Some(fields) = value.as_object_mut() else { return Object::new(value) };
    fields.shift_remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in BOOKKEEPING {
            metadata.shift_remove(key);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            for key in REMARKS {
                annotations.shift_remove(key);
            }
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    Object::new(value)
}

/// Puts words in the place of values, which still tell an equal one from another.
fn hide(before: Option<&mut Object>, after: &mut Object, field: &str) {
    let mut nothing = Map::new();
    let before = before
        .and_then(|object| object.as_value_mut().get_mut(field)?.as_object_mut())
        .unwrap_or(&mut nothing);
    if let Some(after) = after.as_value_mut().get_mut(field).and_then(Value::as_object_mut) {
        for (key, value) in after {
            let is_other = before.get(key).is_some_and(|before| before != value);
            *value = if is_other { HIDDEN_CHANGED } else { HIDDEN }.into();
        }
    }
    for value in before.values_mut() {
        *value = HIDDEN.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::Difference;

    fn told(before: Value, after: Value) -> Vec<String> {
        let difference = Difference::between(Some(&Object::new(before)), &Object::new(after));
        difference.fields.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_server_writes_is_no_difference() {
        let live = json!({
            "kind": "Deployment", "metadata": {
                "name": "web", "uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": "x",
                "managedFields": [{"manager": "notes-deploy"}],
                "annotations": {"deployment.kubernetes.io/revision": "4"},
            },
            "spec": {"replicas": 2}, "status": {"replicas": 2},
        });
        let after = json!({
            "kind": "Deployment",
            "metadata": {"name": "web", "uid": "u", "resourceVersion": "8", "generation": 4, "managedFields": []},
            "spec": {"replicas": 2},
        });
        assert_eq!(told(live, after), Vec::<String>::new());
    }

    #[test]
    fn a_secret_s_values_are_never_shown() {
        let secret = |data: Value| {
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "s", "annotations": {REMARKS[0]: data.to_string()}}, "data": data,
            })
        };
        let before = secret(
            json!({"same": "Q0FOQVJZMA==", "other": "Q0FOQVJZMQ==", "gone": "Q0FOQVJZMg=="}),
        );
        let after =
            secret(json!({"same": "Q0FOQVJZMA==", "other": "Q0FOQVJZMw==", "new": "Q0FOQVJZNA=="}));
        let difference =
            Difference::between(Some(&Object::new(before)), &Object::new(after.clone()));
        let fields: Vec<_> = difference.fields.iter().map(ToString::to_string).collect();
        assert_eq!(
            fields,
            [
                "~ data.other: (hidden) → (hidden, another value)",
                "- data.gone: (hidden)",
                "+ data.new: (hidden)",
            ]
        );
        let created = Difference::between(None, &Object::new(after));
        for shown in [format!("{difference:?}{}", difference.unified()), format!("{created:?}")] {
            assert!(!shown.contains("Q0FOQVJZ"), "{shown}");
        }
    }
}
