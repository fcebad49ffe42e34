//! Hides secrets: in objects that hold them, and wherever else their values stand.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{Object, pin::pod_spec_path};

/// What stands in place of a secret.
const HIDDEN: &str = "[redacted]";
/// Shorter values are words that stand anywhere, as `true` or `5432`; hiding them would hide everything.
const SHORTEST: usize = 6;
/// Parts of the names of variables whose values are secrets though they stand in a manifest.
const NAMES: [&str; 9] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "API_KEY",
    "_KEY",
    "PRIVATE",
];
/// kubectl writes the whole object here, a Secret's values among it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Knows secrets, and replaces them in objects and texts.
///
/// A value counts as secret when it is in a Secret, when a variable of a pod has a name like `DB_PASSWORD`, or when it is
/// the password of a URL. It is found as it is, in base64, by line, and inside of JSON.
///
/// ```
/// use notes_k8s_deploy::{Object, evidence::Redactor};
///
/// let mut redactor = Redactor::default();
/// redactor.learn(&Object::new(serde_json::json!({
///     "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"url": "postgres://app:hunter22@db/app"},
/// })));
/// assert_eq!(redactor.text("login of app with hunter22 failed"), "login of app with [redacted] failed");
/// assert_eq!(redactor.text("GET https://me:letmein@host/"), "GET https://me:[redacted]@host/");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    values: BTreeSet<Longest>,
}

/// A value, the longest first: one that holds another must be replaced before it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Longest(std::cmp::Reverse<usize>, String);

/// A secret must not be printed by accident.
impl std::fmt::Debug for Longest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Redactor {
    /// Returns one that knows the secrets of `objects`.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let mut redactor = Self::default();
        objects.into_iter().for_each(|object| redactor.learn(object));
        redactor
    }

    /// Remembers the secrets that `object` holds.
    pub fn learn(&mut self, object: &Object) {
        if object.is_secret() {
            for value in texts(object.at("/stringData")) {
                self.learn_value(value);
            }
            for value in texts(object.at("/data")) {
                self.add(value);
                if let Some(text) = decoded(value) {
                    self.learn_value(&text);
                }
            }
        }
        let Some(pod) = pod_spec_path(object).and_then(|path| object.at(path)) else { return };
        for variable in variables(pod) {
            let (name, value) = (variable["name"].as_str(), variable["value"].as_str());
            if let (Some(name), Some(value)) = (name, value)
                && NAMES.iter().any(|part| name.to_uppercase().contains(part))
            {
                self.learn_value(value);
            }
        }
    }

    fn learn_value(&mut self, value: &str) {
        self.add(value);
        self.add(&BASE64_STANDARD.encode(value));
        for line in value.lines() {
            self.add(line.trim());
        }
        if let Some((_, password, _)) = login(value) {
            self.add(password);
        }
        // As `auth` of a docker config: base64 of user and password.
        if let Some((_, password)) = decoded(value).as_deref().and_then(|text| text.split_once(':'))
        {
            self.add(password);
        }
        if let Ok(inside @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(value) {
            for text in leaves(&inside) {
                self.learn_value(text);
            }
        }
    }

    fn add(&mut self, value: &str) {
        if value.chars().count() >= SHORTEST {
            self.values.insert(Longest(std::cmp::Reverse(value.len()), value.into()));
        }
    }

    /// Returns `text` without secrets.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for Longest(_, value) in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), HIDDEN);
            }
        }
        without_logins(&text)
    }

    /// Returns `object` without secrets, and without what only the API server needs.
    pub(crate) fn object(&self, object: &Object) -> Object {
        let mut value = object.as_value().clone();
        if object.is_secret() {
            for field in ["data", "stringData"] {
                for value in
                    value[field].as_object_mut().into_iter().flat_map(|map| map.values_mut())
                {
                    *value = HIDDEN.into();
                }
            }
        }
        if let Some(metadata) = value["metadata"].as_object_mut() {
            metadata.shift_remove("managedFields");
            if let Some(annotations) =
                metadata.get_mut("annotations").and_then(Value::as_object_mut)
            {
                annotations.shift_remove(LAST_APPLIED);
            }
        }
        // Names stay: a database that is called as its application would take the name from everything.
        for (_, part) in value
            .as_object_mut()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !["apiVersion", "kind", "metadata"].contains(&key.as_str()))
        {
            self.value(part);
        }
        if let Some(annotations) = value.pointer_mut("/metadata/annotations") {
            self.value(annotations);
        }
        Object::new(value)
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            _ => {}
        }
    }
}

fn texts(map: Option<&Value>) -> impl Iterator<Item = &str> {
    map.and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(Value::as_str)
}

fn decoded(value: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()
}

fn variables(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|list| pod[list].as_array())
        .flatten();
    containers.filter_map(|container| container["env"].as_array()).flatten()
}

fn leaves(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(fields) => fields.values().flat_map(leaves).collect(),
        _ => Vec::new(),
    }
}

/// Splits a text at the first password of a URL: what is before, the password, what is behind.
fn login(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let start = from + found + 3;
        let host = text[start..].find(|c: char| "/?#\"'".contains(c) || c.is_whitespace());
        let authority = &text[start..host.map_or(text.len(), |end| start + end)];
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some(colon) = user.find(':')
            && colon + 1 < user.len()
        {
            let (begin, end) = (start + colon + 1, start + user.len());
            return Some((&text[..begin], &text[begin..end], &text[end..]));
        }
        from = start;
    }
    None
}

fn without_logins(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, _, behind)) = login(rest) {
        done.push_str(before);
        done.push_str(HIDDEN);
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn knowing(objects: &[Value]) -> Redactor {
        let mut redactor = Redactor::default();
        for object in objects {
            redactor.learn(&Object::new(object.clone()));
        }
        redactor
    }

    #[test]
    fn values_of_secrets_are_found_in_every_form() {
        let docker = json!({"auths": {"host": {"auth": BASE64_STANDARD.encode("me:canary-pull")}}});
        let data = |text: &str| BASE64_STANDARD.encode(text);
        let redactor = knowing(&[json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {
            "plain": data("canary-plain\n"),
            "key": data("-----BEGIN-----\ncanary-line\n-----END-----"),
            ".dockerconfigjson": data(&docker.to_string()),
            "short": data("on"),
        }})]);
        for secret in ["canary-plain", "canary-line", "canary-pull", &data("canary-plain\n")] {
            assert_eq!(redactor.text(&format!("<{secret}>")), "<[redacted]>", "{secret}");
        }
        assert_eq!(redactor.text("turned on"), "turned on");
        assert!(!format!("{redactor:?}").contains("canary"));
    }

    #[test]
    fn objects_keep_their_form_and_lose_their_secrets() {
        let pod = json!({"kind": "Pod", "metadata": {
            "name": "web", "managedFields": [{}], "annotations": {LAST_APPLIED: "canary-applied", "a": "b"},
        }, "spec": {"containers": [{"name": "web", "env": [
            {"name": "DB_PASSWORD", "value": "canary-literal"},
            {"name": "URL", "value": "https://me:canary-url@host/"},
            {"name": "MODE", "value": "production"},
        ], "args": ["--password=canary-literal"]}]}});
        let redactor = knowing(std::slice::from_ref(&pod));
        let redacted = redactor.object(&Object::new(pod)).as_value().to_string();
        assert!(!redacted.contains("canary") && !redacted.contains("managedFields"), "{redacted}");
        assert!(
            redacted.contains("production") && redacted.contains("--password=[redacted]"),
            "{redacted}"
        );
        let secret =
            Object::new(json!({"kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"}}));
        let redacted = Redactor::default().object(&secret);
        assert_eq!(redacted.text("/data/a"), Some(HIDDEN));
        assert_eq!(redacted.text("/stringData/b"), Some(HIDDEN));
    }

    #[test]
    fn only_the_passwords_of_urls_are_hidden() {
        let text = Redactor::default().text("a://b/c d://e:f@g:1/h?x=y://z i://j@k l://m:n:o@p");
        assert_eq!(text, "a://b/c d://e:[redacted]@g:1/h?x=y://z i://j@k l://m:[redacted]@p");
    }
}
