//! Why the cluster refused an object.

use crate::{Manifest, ObjectId, Origin, cluster::RequestError};

/// The error returned when a release could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The cluster has no such kind.
    #[error("{origin}: the cluster has no kind `{kind}` in `{api_version}`")]
    NoSuchKind {
        /// Where the object is written.
        origin: Origin,
        /// The kind.
        kind: String,
        /// The `apiVersion`.
        api_version: String,
        /// The most similar kind there is.
        nearest: Option<String>,
    },
    /// The cluster does not take the object.
    #[error("{origin}: {id} was rejected: {message}")]
    Rejected {
        /// Where the object is written.
        origin: Origin,
        /// The object.
        id: Box<ObjectId>,
        /// What kind of refusal it is.
        reason: Reason,
        /// The server's words.
        message: String,
    },
    /// Another manager owns fields and has set them to other values.
    #[error("{origin}: {id} has fields that others own: {}", list(conflicts))]
    Conflict {
        /// Where the object is written.
        origin: Origin,
        /// The object.
        id: Box<ObjectId>,
        /// The fields and their owners.
        conflicts: Vec<Conflict>,
    },
    /// The namespace is missing and is not to be made.
    #[error("there is no namespace `{name}`")]
    NoNamespace {
        /// The namespace.
        name: String,
    },
    /// The namespace is being deleted.
    #[error("the namespace `{name}` is being deleted")]
    Terminating {
        /// The namespace.
        name: String,
        /// What still holds it.
        finalizers: Vec<String>,
    },
    /// A custom kind of this release did not become usable.
    #[error("{id} was not established within {seconds} s")]
    NotEstablished {
        /// The definition.
        id: Box<ObjectId>,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Why an object was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A field is unknown, has a wrong type or stands twice.
    Schema,
    /// A field that cannot be changed was changed.
    Immutable,
    /// A value is not allowed.
    Invalid,
    /// A webhook, a policy or a quota said no.
    Admission,
    /// Something else.
    Other,
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The field's path, as `.spec.replicas`.
    pub field: String,
    /// The manager, as the server describes it: `"kubectl-edit" using apps/v1`.
    pub owner: String,
}

fn list(conflicts: &[Conflict]) -> String {
    let fields: Vec<_> =
        conflicts.iter().map(|c| format!("`{}` belongs to {}", c.field, c.owner)).collect();
    fields.join(", ")
}

impl Error {
    /// Sorts the server's refusal of one object.
    pub(crate) fn of(manifest: &Manifest, error: RequestError) -> Self {
        let RequestError::Refused { status, .. } = &error else { return Self::Request(error) };
        let origin = manifest.origin.clone();
        let id = Box::new(manifest.object.id());
        let message = status.message.clone();
        let is_schema = message.contains("field not declared in schema")
            || message.contains("strict decoding error")
            || message.contains("failed to create typed patch object")
            || message.contains("cannot be handled as");
        let reason = match status.code {
            409 if status.reason == "Conflict" => {
                let conflicts = conflicts(status);
                return if conflicts.is_empty() {
                    Self::Request(error)
                } else {
                    Self::Conflict { origin, id, conflicts }
                };
            }
            // NB: a field that the schema does not know is answered with 500.
            _ if is_schema => Reason::Schema,
            422 if message.contains("immutable") => Reason::Immutable,
            400 | 422 => Reason::Invalid,
            _ if message.contains("admission webhook") || message.contains("exceeded quota") => {
                Reason::Admission
            }
            403 => Reason::Admission,
            404 | 405 | 406 | 415 => Reason::Other,
            _ => return Self::Request(error),
        };
        Self::Rejected { origin, id, reason, message }
    }

    /// Returns the object that the cluster refused, where it was one.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Rejected { id, .. }
            | Self::Conflict { id, .. }
            | Self::NotEstablished { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Tells whether the same apply may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Request(error) if error.is_transient())
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchKind { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::NoSuchKind { .. } => {
                Some("is the operator that brings this kind installed?".into())
            }
            Self::Conflict { .. } => Some(
                "take the fields out of the manifest, or take them over with `--force-conflicts`"
                    .into(),
            ),
            Self::Rejected { reason: Reason::Immutable, id, .. } => {
                Some(format!("`kubectl delete {id}` and deploy again, or give it another name"))
            }
            Self::Rejected { reason: Reason::Admission, message, .. }
                if message.contains("exceeded quota") =>
            {
                Some("ask for less, or have the quota raised".into())
            }
            Self::Terminating { finalizers, .. } if !finalizers.is_empty() => {
                Some(format!("it waits for {}", finalizers.join(", ")))
            }
            Self::Terminating { .. } => Some("deploy again when it is gone".into()),
            Self::Request(error) => error.hint(),
            _ => None,
        }
    }
}

/// Reads `conflict with "kubectl-edit" using apps/v1` and the field of each cause.
fn conflicts(status: &kube::core::Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| Conflict {
            field: cause.field.clone(),
            owner: cause.message.trim_start_matches("conflict with ").into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Object;

    fn refused(status: serde_json::Value) -> Error {
        let object = Object::new(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}),
        );
        let manifest = Manifest { object, origin: Origin { file: "web.yaml".into(), line: 3 } };
        let status = serde_json::from_value(status).unwrap();
        let error = kube::Error::Api(Box::new(status));
        Error::of(&manifest, RequestError::from_kube("apply deployment/web", "https://c", error))
    }

    #[test]
    fn refusals_name_the_object_and_the_way_out() {
        let conflict = refused(json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "details": {"causes": [{
                "reason": "FieldManagerConflict", "field": ".spec.replicas",
                "message": "conflict with \"kubectl-edit\" using apps/v1",
            }]},
        }));
        insta::assert_snapshot!(conflict, @r#"web.yaml:3: deployment/web has fields that others own: `.spec.replicas` belongs to "kubectl-edit" using apps/v1"#);
        let schema = refused(json!({
            "code": 500, "reason": "InternalError",
            "message": "failed to create typed patch object (x/web; apps/v1, Kind=Deployment): .spec.replcas: field not declared in schema",
        }));
        assert!(matches!(schema, Error::Rejected { reason: Reason::Schema, .. }));
        assert!(!schema.is_transient());
        let immutable = refused(
            json!({"code": 422, "reason": "Invalid", "message": "spec.selector: field is immutable"}),
        );
        insta::assert_snapshot!(immutable.hint().unwrap(), @"`kubectl delete deployment/web` and deploy again, or give it another name");
        let denied = refused(json!({
            "code": 403, "reason": "Forbidden", "message": "deployments.apps \"web\" is forbidden: User \"ci\" cannot patch resource \"deployments\"",
        }));
        assert!(matches!(denied, Error::Request(RequestError::Forbidden { .. })));
        assert!(
            refused(json!({"code": 503, "reason": "ServiceUnavailable", "message": "x"}))
                .is_transient()
        );
    }
}
