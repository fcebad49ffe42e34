//! What a deploy would change, asked of the server without changing anything.

mod fields;
mod rehearsal;
mod unified;
mod visible;

pub use self::{
    fields::{FieldChange, Value as FieldValue},
    rehearsal::diff,
};

use serde::Serialize;

use self::{fields::changes, visible::visible};
use crate::{Object, ObjectId, apply::Conflict};

/// What would happen to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It would be made.
    Created,
    /// It would be changed.
    Configured,
    /// Nothing.
    Unchanged,
    /// It would be removed: an earlier release has made it, and this one does not have it.
    Removed,
}

/// What a deploy would change of one object.
///
/// What the server writes by itself (its status, its bookkeeping, its defaults) is left out, and the values of Secrets are hidden:
/// only that one would change is told.
///
/// ```
/// use notes_k8s_deploy::{Object, diff::Difference};
///
/// let object = |replicas| Object::new(serde_json::json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas},
/// }));
/// let difference = Difference::between(Some(&object(2)), &object(3));
/// assert_eq!(difference.fields[0].to_string(), "~ spec.replicas: 2 → 3");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which object.
    pub id: ObjectId,
    /// What would happen to it.
    pub effect: Effect,
    /// The fields that would change, in the order in which they stand in the object.
    pub fields: Vec<FieldChange>,
    /// The fields that others own and have set to other values: a deploy stops there, unless it is to take them over.
    pub conflicts: Vec<Conflict>,
    before: Option<Object>,
    after: Option<Object>,
}

impl Difference {
    /// Compares an object as it is, if it is there, with what it would become.
    pub fn between(before: Option<&Object>, after: &Object) -> Self {
        let (before, after) = visible(before, after);
        let fields = changes(before.as_ref().map(Object::as_value), Some(after.as_value()));
        let effect = match before {
            None => Effect::Created,
            Some(_) if fields.is_empty() => Effect::Unchanged,
            Some(_) => Effect::Configured,
        };
        let id = after.id();
        Self { id, effect, fields, conflicts: Vec::new(), before, after: Some(after) }
    }

    /// Returns that an object would be removed.
    fn removal(live: &Object) -> Self {
        let (_, before) = visible(None, live);
        let (id, effect) = (live.id(), Effect::Removed);
        let (fields, conflicts) = (Vec::new(), Vec::new());
        Self { id, effect, fields, conflicts, before: Some(before), after: None }
    }

    /// Returns the difference as unified YAML, with three lines around each change; empty where nothing would change.
    pub fn unified(&self) -> String {
        let yaml = |object: Option<&Object>| {
            object.map(|object| crate::render::to_yaml([object])).unwrap_or_default()
        };
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let text = unified::unified(&yaml(before), &yaml(after));
        if text.is_empty() {
            return text;
        }
        let name = |object: Option<&Object>| {
            object.map_or_else(|| "/dev/null".to_owned(), |object| object.id().to_string())
        };
        format!("--- {}\n+++ {}\n{text}", name(before), name(after))
    }
}
