//! Which fields differ, by path.

use std::fmt;

use serde_json::Value as Json;

/// A value of a field, shown short.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Value(pub Json);

/// One field that would change.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Where: `spec.template.spec.containers[web].image`. An element of a list is called by its name, where all have one.
    pub path: String,
    /// What is there; nothing for a field that would be added.
    pub before: Option<Value>,
    /// What would be there; nothing for a field that would be removed.
    pub after: Option<Value>,
}

/// `+ path: value`, `- path: value` or `~ path: before → after`.
impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "~ {path}: {before} → {after}"),
            (Some(before), None) => write!(f, "- {path}: {before}"),
            (None, Some(after)) => write!(f, "+ {path}: {after}"),
            (None, None) => Ok(()),
        }
    }
}

/// How much of a text is shown on a line.
const SHOWN: usize = 120;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Json::String(text) if text.contains('\n') => {
                write!(f, "a text of {} lines", text.lines().count())
            }
            Json::String(text) if text.chars().count() > SHOWN => {
                write!(f, "{}…", text.chars().take(SHOWN).collect::<String>())
            }
            Json::String(text) if text.is_empty() => f.write_str("\"\""),
            Json::String(text) => f.write_str(text),
            other => write!(f, "{other}"),
        }
    }
}

/// Returns the fields that differ.
pub(super) fn changes(before: Option<&Json>, after: Option<&Json>) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: Option<&Json>, after: Option<&Json>, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let (left, right) = (before.and_then(children), after.and_then(children));
    match (left, right) {
        (Some(left), Some(right)) => each(path, &left, &right, found),
        (Some(left), None) if after.is_none() => each(path, &left, &[], found),
        (None, Some(right)) if before.is_none() => each(path, &[], &right, found),
        _ => found.push(change(path, before.cloned(), after.cloned())),
    }
}

fn change(path: &str, before: Option<Json>, after: Option<Json>) -> FieldChange {
    FieldChange {
        path: path.trim_start_matches('.').into(),
        before: before.map(Value),
        after: after.map(Value),
    }
}

type Child<'a> = (String, &'a Json);

fn each(path: &str, left: &[Child<'_>], right: &[Child<'_>], found: &mut Vec<FieldChange>) {
    let in_list = |list: &[Child<'_>], key: &str| list.iter().any(|(other, _)| other == key);
    for (key, before) in left {
        let after = right.iter().find(|(other, _)| other == key).map(|(_, value)| *value);
        compare(&format!("{path}{key}"), Some(before), after, found);
    }
    for (key, after) in right.iter().filter(|(key, _)| !in_list(left, key)) {
        compare(&format!("{path}{key}"), None, Some(after), found);
    }
    let order = |list: &[Child<'_>], other: &[Child<'_>]| -> Vec<String> {
        let both = list.iter().filter(|(key, _)| in_list(other, key));
        both.map(|(key, _)| key.trim_matches(['[', ']']).to_owned()).collect()
    };
    let (was, is) = (order(left, right), order(right, left));
    // The order of fields means nothing, that of containers or environment variables may.
    if was != is && left.iter().all(|(key, _)| key.starts_with('[')) {
        found.push(change(path, Some(was.into()), Some(is.into())));
    }
}

/// Returns the parts of a value with the names by which they stand in a path; `None` for one that has no parts.
fn children(value: &Json) -> Option<Vec<Child<'_>>> {
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            Some(fields.iter().map(|(key, value)| (step(key), value)).collect())
        }
        Json::Array(elements) if !elements.is_empty() => Some(named(elements)),
        _ => None,
    }
}

fn step(key: &str) -> String {
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_plain { format!(".{key}") } else { format!("[\"{key}\"]") }
}

/// The fields by which the API tells elements of its lists apart (`x-kubernetes-list-map-keys`), the most common first.
const KEYS: [&str; 6] = ["name", "mountPath", "containerPort", "port", "type", "topologyKey"];

/// Calls elements by their key where each has one and no two the same, else by their place.
fn named(elements: &[Json]) -> Vec<Child<'_>> {
    let keyed = KEYS.iter().find_map(|key| {
        let names: Vec<String> = elements
            .iter()
            .map(|element| match element.get(key)? {
                Json::String(name) => Some(name.clone()),
                Json::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let is_unique = names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
        is_unique.then_some(names)
    });
    let names = keyed.unwrap_or_else(|| (0..elements.len()).map(|at| at.to_string()).collect());
    names.into_iter().map(|name| format!("[{name}]")).zip(elements).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Json, after: &Json) -> String {
        let found = changes(Some(before), Some(after));
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn fields_are_called_by_path_and_elements_by_name() {
        let before = json!({
            "metadata": {"labels": {"a.b/c": "1", "old": "x"}},
            "spec": {"replicas": 2, "containers": [
                {"name": "web", "image": "web:1", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}]},
                {"name": "side", "image": "side:1", "ports": [{"containerPort": 80}]},
            ]},
        });
        let after = json!({
            "metadata": {"labels": {"a.b/c": "2"}},
            "spec": {"replicas": 2, "containers": [
                {"name": "web", "image": "web:2", "args": ["a"],
                 "env": [{"name": "B", "value": ""}, {"name": "A", "value": "1"}]},
                {"name": "side", "image": "side:1", "ports": [{"containerPort": 80, "protocol": "UDP"}]},
            ]},
        });
        insta::assert_snapshot!(told(&before, &after), @r#"
        ~ metadata.labels["a.b/c"]: 1 → 2
        - metadata.labels.old: x
        ~ spec.containers[web].image: web:1 → web:2
        - spec.containers[web].args[1]: b
        + spec.containers[web].env[B].name: B
        + spec.containers[web].env[B].value: ""
        + spec.containers[side].ports[80].protocol: UDP
        "#);
    }

    #[test]
    fn another_type_another_order_and_long_texts_are_told() {
        let before = json!({"a": {"x": 1}, "env": [{"name": "A"}, {"name": "B"}], "text": "1\n2\n", "n": null, "e": {}});
        let after = json!({"a": "x", "env": [{"name": "B"}, {"name": "A"}], "text": "1\n2\n3\n", "n": [], "e": {"k": true}});
        insta::assert_snapshot!(told(&before, &after), @r#"
        ~ a: {"x":1} → x
        ~ env: ["A","B"] → ["B","A"]
        ~ text: a text of 2 lines → a text of 3 lines
        ~ n: null → []
        ~ e: {} → {"k":true}
        "#);
    }
}
