//! The service account that an apply does not get rid of.
//!
//! The server keeps it in two fields. An apply that drops `serviceAccountName` leaves the older `serviceAccount`, from which the first
//! comes back: both have to be cleared.

use kube::api::{Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::{
    Cluster, FIELD_MANAGER, Object,
    cluster::{RequestError, untyped},
    manifest::Resource,
    pin::pod_spec_path,
    release::is_workload,
};

const FIELDS: [&str; 2] = ["serviceAccountName", "serviceAccount"];

/// Returns where the pods' template has a service account that nobody wants any more.
pub(super) fn left(sent: &Object, live: &Object) -> Option<&'static str> {
    let path = pod_spec_path(sent).filter(|_| is_workload(sent))?;
    let has = |object: &Object, field: &str| object.at(&format!("{path}/{field}")).is_some();
    let is_wanted = FIELDS.iter().any(|field| has(sent, field) || is_owned(live, field));
    (has(live, FIELDS[0]) && !is_wanted).then_some(path)
}

/// Tells whether any manager has set a field of this name.
fn is_owned(live: &Object, field: &str) -> bool {
    let key = format!("\"f:{field}\"");
    live.list("/metadata/managedFields").iter().any(|entry| entry.to_string().contains(&key))
}

/// Clears both fields, and returns the object as it is then.
pub(super) async fn clear(
    cluster: &Cluster,
    object: &Object,
    resource: &Resource,
    path: &str,
) -> Result<Object, RequestError> {
    let cleared = nested(path, json!({FIELDS[0]: null, FIELDS[1]: null}));
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let api = cluster.api(resource, object.namespace());
    let patched = api.patch(object.name(), &params, &Patch::Merge(&cleared)).await;
    let live = patched.map_err(|error| cluster.error(format!("apply {}", object.id()), error))?;
    Ok(untyped(&live))
}

/// Returns `value` at a JSON pointer, with nothing beside it.
fn nested(path: &str, value: Value) -> Value {
    path.rsplit('/')
        .filter(|part| !part.is_empty())
        .fold(value, |inner, part| Value::Object(Map::from_iter([(part.to_owned(), inner)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(pod: &Value, owned: &Value) -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "managedFields": [{"fieldsV1": owned}]},
            "spec": {"template": {"spec": pod}},
        }))
    }

    #[test]
    fn an_account_that_nobody_wants_is_left() {
        let pod = |account: Option<&str>| {
            let mut pod = json!({"containers": [{"name": "web"}]});
            for field in FIELDS {
                if let Some(account) = account {
                    pod[field] = account.into();
                }
            }
            pod
        };
        let (with, without) = (pod(Some("ci")), pod(None));
        let nobody = json!({"f:spec": {}});
        let somebody = json!({"f:spec": {"f:serviceAccountName": {}}});
        let left = |sent: &Value, live: &Value, owned: &Value| {
            left(&deployment(sent, &nobody), &deployment(live, owned))
        };
        assert_eq!(left(&without, &with, &nobody), Some("/spec/template/spec"));
        assert_eq!(left(&without, &with, &somebody), None, "another manager has set it");
        assert_eq!(left(&with, &with, &nobody), None);
        assert_eq!(left(&without, &without, &nobody), None);
    }

    #[test]
    fn a_pointer_becomes_objects() {
        assert_eq!(nested("/spec/template", json!(1)), json!({"spec": {"template": 1}}));
    }
}
