//! Whether an object is still what was applied, told from who owns its fields.
//!
//! Values cannot be compared: the server fills in defaults and writes quantities its own way (`1000m` becomes `1`). But it remembers
//! who set each field last (`metadata.managedFields`, structured-merge-diff v4): a field that was applied and is not ours any more was
//! changed by somebody else.

use serde_json::Value;

use crate::{FIELD_MANAGER, Object};

/// What stands in place of a Secret's values.
const HIDDEN: &str = "…";

/// A field that was applied and was changed by somebody else since.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Drift {
    /// The field's path, as `.spec.replicas`.
    pub field: String,
    /// What was applied.
    pub applied: Value,
    /// What it is now; absent where it has gone.
    pub live: Option<Value>,
    /// Who has set it last, where somebody has.
    pub owner: Option<String>,
}

/// Returns the fields of `live` that are not what was `applied`.
///
/// ```
/// use notes_k8s_deploy::{Object, drift};
///
/// let applied = Object::new(serde_json::json!({"kind": "Deployment", "spec": {"replicas": 2}}));
/// let live = Object::new(serde_json::json!({"kind": "Deployment", "spec": {"replicas": 5}, "metadata": {"managedFields": [
///     {"manager": "notes-deploy", "operation": "Apply", "fieldsV1": {}},
///     {"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
/// ]}}));
/// let found = drift(&applied, &live);
/// assert_eq!((found[0].field.as_str(), found[0].owner.as_deref()), (".spec.replicas", Some("kubectl")));
/// ```
pub fn drift(applied: &Object, live: &Object) -> Vec<Drift> {
    let owned = live.list("/metadata/managedFields").iter().find(|entry| {
        entry["manager"] == FIELD_MANAGER
            && entry["operation"] == "Apply"
            && entry.get("subresource").is_none()
    });
    let mut walk = Walk { live, is_secret: applied.kind() == "Secret", found: Vec::new() };
    walk.object(
        applied.as_value(),
        owned.map_or(&Value::Null, |entry| &entry["fieldsV1"]),
        Some(live.as_value()),
        &mut Vec::new(),
    );
    walk.found
}

/// One step of a path: how the server writes it, and how people do.
type Step = (String, String);

struct Walk<'a> {
    live: &'a Object,
    is_secret: bool,
    found: Vec<Drift>,
}

impl Walk<'_> {
    fn object(
        &mut self,
        applied: &Value,
        owned: &Value,
        live: Option<&Value>,
        path: &mut Vec<Step>,
    ) {
        for (key, value) in applied.as_object().into_iter().flatten() {
            if is_nobodys(path, key) || is_nothing(value) {
                continue;
            }
            path.push((format!("f:{key}"), format!(".{key}")));
            self.field(
                value,
                owned.get(format!("f:{key}")),
                live.and_then(|live| live.get(key)),
                path,
            );
            path.pop();
        }
    }

    fn field(
        &mut self,
        applied: &Value,
        owned: Option<&Value>,
        live: Option<&Value>,
        path: &mut Vec<Step>,
    ) {
        if live == Some(applied) {
            return;
        }
        match (applied, owned) {
            // Owned as a whole: it is as it was applied, however the server writes it.
            (_, Some(Value::Object(parts))) if parts.is_empty() => {}
            (Value::Array(items), Some(owned)) => self.items(items, owned, live, path),
            // Nobody owns a map as such, so that what is in it is looked at, also where all of it was taken.
            (Value::Object(_), owned) if live.is_some_and(Value::is_object) => {
                self.object(applied, owned.unwrap_or(&Value::Null), live, path);
            }
            (_, Some(_)) => {}
            (applied, None) => self.add(applied, live, path),
        }
    }

    /// Looks at a list whose items have names of their own. One that is a whole is not owned by item.
    fn items(
        &mut self,
        items: &[Value],
        owned: &Value,
        live: Option<&Value>,
        path: &mut Vec<Step>,
    ) {
        let parts: Vec<(&str, &Value)> = owned
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        if !parts.iter().any(|(key, _)| key.starts_with("k:") || key.starts_with("v:")) {
            return;
        }
        for item in items {
            let part = parts.iter().find(|(key, _)| is_key_of(key, item));
            let live = live.and_then(Value::as_array).and_then(|list| {
                list.iter().find(|live| match part {
                    Some((key, _)) => is_key_of(key, live),
                    None => live.get("name").is_some() && live.get("name") == item.get("name"),
                })
            });
            let name =
                item["name"].as_str().map_or_else(|| short(item), |name| format!("[name={name}]"));
            path.push((part.map_or(String::new(), |(key, _)| (*key).to_owned()), name));
            match part {
                Some((_, owned)) if item.is_object() => self.object(item, owned, live, path),
                Some(_) => {}
                None => self.field(item, None, live, path),
            }
            path.pop();
        }
    }

    fn add(&mut self, applied: &Value, live: Option<&Value>, path: &[Step]) {
        let shown = |value: &Value| if self.is_secret { HIDDEN.into() } else { value.clone() };
        let drift = Drift {
            field: path.iter().map(|(_, shown)| shown.as_str()).collect(),
            applied: shown(applied),
            live: live.map(shown),
            owner: self.owner(path),
        };
        self.found.push(drift);
    }

    /// Returns who has set a field, the last of several.
    fn owner(&self, path: &[Step]) -> Option<String> {
        let entries = self.live.list("/metadata/managedFields").iter();
        let owns = |entry: &&Value| {
            let mut fields = &entry["fieldsV1"];
            path.iter().all(|(key, _)| {
                fields = &fields[key.as_str()];
                !fields.is_null()
            })
        };
        let last = entries
            .filter(owns)
            .max_by_key(|entry| entry["time"].as_str().map(ToOwned::to_owned))?;
        last["manager"].as_str().map(Into::into)
    }
}

/// Tells whether a field is one that managers do not own, or that the server keeps under another name.
fn is_nobodys(path: &[Step], key: &str) -> bool {
    match path {
        [] => ["apiVersion", "kind", "status", "stringData"].contains(&key),
        [(metadata, _)] if metadata == "f:metadata" => ["name", "namespace"].contains(&key),
        _ => false,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Tells whether `key`, as `k:{"containerPort":80,"protocol":"TCP"}` or `v:"x"`, is that of `item`, which may leave out what has a default.
fn is_key_of(key: &str, item: &Value) -> bool {
    if let Some(value) = key.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    let Some(Ok(Value::Object(keys))) = key.strip_prefix("k:").map(serde_json::from_str) else {
        return false;
    };
    keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| own == value))
}

fn short(item: &Value) -> String {
    format!("[{item}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(applied: Value, owned: &Value, live: Value) -> Vec<String> {
        let mut live = live;
        live["metadata"]["managedFields"] = json!([
            {"manager": "notes-deploy", "operation": "Apply", "fieldsV1": owned},
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:01Z", "fieldsV1": {
                "f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}},
                "f:data": {"f:key": {}},
            }},
        ]);
        drift(&Object::new(applied), &Object::new(live))
            .into_iter()
            .map(|drift| {
                let live = drift.live.map_or("gone".into(), |live| live.to_string());
                format!(
                    "{} {} -> {live} by {}",
                    drift.field,
                    drift.applied,
                    drift.owner.as_deref().unwrap_or("-")
                )
            })
            .collect()
    }

    #[test]
    fn fields_that_others_have_set_are_named_with_their_owner() {
        let applied = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"a": "b"}},
            "spec": {"replicas": 2, "cpu": "1000m", "unset": null, "containers": [
                {"name": "web", "image": "new", "ports": [{"containerPort": 80}]}, {"name": "proxy"},
            ]},
        });
        let owned = json!({
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:cpu": {}, "f:containers": {"k:{\"name\":\"web\"}": {
                ".": {}, "f:name": {},
                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
            }}},
        });
        let live = json!({
            "metadata": {"name": "web", "labels": {"a": "b"}},
            "spec": {"replicas": 5, "cpu": "1", "containers": [
                {"name": "web", "image": "old", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
            ]},
        });
        assert_eq!(
            found(applied, &owned, live),
            [
                ".spec.replicas 2 -> 5 by kubectl-edit",
                ".spec.containers[name=web].image \"new\" -> \"old\" by kubectl-edit",
                ".spec.containers[name=proxy] {\"name\":\"proxy\"} -> gone by -",
            ]
        );
    }

    #[test]
    fn what_is_the_same_has_not_drifted_whoever_owns_it() {
        let object = json!({"kind": "X", "spec": {"replicas": 2, "list": [1, 2]}});
        assert_eq!(found(object.clone(), &json!({}), object), Vec::<String>::new());
    }

    #[test]
    fn the_values_of_secrets_are_not_shown() {
        let applied =
            json!({"kind": "Secret", "data": {"key": "b2xk"}, "stringData": {"other": "x"}});
        let live = json!({"kind": "Secret", "data": {"key": "bmV3", "other": "eA=="}});
        let said = found(applied, &json!({"f:data": {"f:other": {}}}), live);
        assert_eq!(said, [".data.key \"…\" -> \"…\" by kubectl-edit"]);
    }
}
