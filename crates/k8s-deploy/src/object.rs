//! An untyped Kubernetes object, read by path.

use std::fmt;

use serde_json::{Map, Value};

/// A Kubernetes object as untyped JSON.
///
/// Manifests of users stay untyped on their whole way to the cluster, so that fields this crate has never heard of,
/// custom resources and explicit nulls survive. Typed structs would drop them.
///
/// ```
/// use notes_k8s_deploy::Object;
///
/// let object = Object::new(serde_json::json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2},
/// }));
/// assert_eq!(object.id().to_string(), "deployment/web");
/// assert_eq!(object.integer("/spec/replicas"), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Object(Value);

impl Object {
    /// Wraps `value`.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// Returns the JSON.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// Returns the JSON for changing it.
    pub fn as_value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// Tells whether it is a Secret, whose values nobody is shown.
    pub fn is_secret(&self) -> bool {
        self.kind() == "Secret" && self.group().is_empty()
    }

    /// Returns the value at a JSON pointer (RFC 6901), nulls counted as absent.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    /// Returns the text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// Returns the whole number at a JSON pointer.
    ///
    /// A string of digits counts: some controllers write `observedGeneration` so (helm#32615).
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        let value = self.at(pointer)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Returns the elements of the list at a JSON pointer; none where there is no list.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns `kind`.
    pub fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    /// Returns `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion").unwrap_or_default()
    }

    /// Returns the API group: empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// Returns `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// Returns `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid").unwrap_or_default()
    }

    /// Returns the label or annotation `key`, which may hold slashes, in `metadata.<map>`.
    fn metadata_entry(&self, map: &str, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get(map)?.get(key)?.as_str()
    }

    /// Returns an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata_entry("annotations", key)
    }

    /// Returns a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata_entry("labels", key)
    }

    /// Returns the status condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&Value> {
        self.list("/status/conditions").iter().find(|condition| condition["type"] == kind)
    }

    /// Tells whether the controller has seen the newest specification: `None` where it does not say.
    pub fn is_observed(&self) -> Option<bool> {
        let generation = self.integer("/metadata/generation")?;
        Some(self.integer("/status/observedGeneration")? >= generation)
    }

    /// Returns the object's identity.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.group().into(),
            kind: self.kind().into(),
            namespace: self.namespace().map(Into::into),
            name: self.name().into(),
        }
    }

    /// Sets an entry of `metadata.annotations` or `metadata.labels`, making what is missing.
    pub(crate) fn set_metadata(&mut self, map: &str, key: &str, value: &str) {
        object_at(object_at(&mut self.0, "metadata"), map)[key] = value.into();
    }
}

/// Returns the object under `key`, made where it is missing or null.
pub(crate) fn object_at<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let child = &mut value[key];
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    child
}

/// Which object: group, kind, namespace and name. The version is not part of it.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, as `Deployment`.
    pub kind: String,
    /// The namespace; absent for objects of the whole cluster.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_are_absent_and_generations_may_be_text() {
        let object = Object::new(json!({
            "metadata": {"generation": 2, "namespace": null},
            "status": {"observedGeneration": "2"},
        }));
        assert_eq!(object.namespace(), None);
        assert_eq!(object.is_observed(), Some(true));
    }

    #[test]
    fn metadata_is_made_where_it_is_missing() {
        let mut object = Object::new(json!({"metadata": {"annotations": null}}));
        object.set_metadata("annotations", "a/b", "c");
        assert_eq!(object.annotation("a/b"), Some("c"));
    }
}
