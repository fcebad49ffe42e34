//! What of an image's config a container would notice.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields that say how a container is run. Docker's own (`Healthcheck`, `OnBuild`, `Shell`) among them.
const EXECUTION: [&str; 11] = [
    "Env",
    "Cmd",
    "Entrypoint",
    "WorkingDir",
    "User",
    "ExposedPorts",
    "Volumes",
    "Healthcheck",
    "StopSignal",
    "Shell",
    "OnBuild",
];
/// The fields about the image as a whole.
const IMAGE: [&str; 4] = ["architecture", "os", "variant", "author"];

/// Returns each field that says something, as JSON; labels one by one.
pub(crate) fn facts(config: &Value) -> BTreeMap<String, String> {
    let execution = &config["config"];
    let execution_fields = EXECUTION.into_iter().map(|name| (name, &execution[name]));
    let fields = IMAGE.into_iter().map(|name| (name, &config[name])).chain(execution_fields);
    let mut facts: BTreeMap<_, _> = fields
        .filter(|(_, value)| !is_nothing(value))
        .map(|(name, value)| (name.to_owned(), sorted(value).to_string()))
        .collect();
    for (name, value) in execution["Labels"].as_object().into_iter().flatten() {
        facts.insert(format!("Labels {name}"), value.to_string());
    }
    facts
}

/// A field that is missing, null or empty: builders write any of the three and mean the same.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Objects have no order; here they are written in one.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            sorted.into_iter().map(|(name, value)| (name.clone(), self::sorted(value))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_says_nothing_is_left_out_and_objects_are_sorted() {
        let config = json!({
            "architecture": "amd64", "author": "", "created": "2023-05-05T00:00:00Z",
            "config": {
                "Env": ["B=1", "A=2"], "Cmd": null, "Entrypoint": [], "User": "",
                "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Labels": {"a": "b"},
                "ArgsEscaped": true,
            },
        });
        let lines: Vec<_> =
            facts(&config).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        Env: ["B=1","A=2"]
        ExposedPorts: {"443/tcp":{},"80/tcp":{}}
        Labels a: "b"
        architecture: "amd64"
        "#);
    }
}
