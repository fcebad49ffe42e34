//! Every other kind, by the condition that says whether it works.

use super::{Verdict, words};
use crate::Object;

/// Judges by `Ready`, as kstatus does, and where there is none by `Available`, which is all that an `APIService` and many
/// operators have. An object without either is complete once it is written.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    let telling = ["Ready", "Available"].into_iter().find_map(|kind| {
        object.condition(kind).filter(|condition| {
            ["True", "False", "Unknown"].iter().any(|status| condition["status"] == *status)
        })
    });
    match telling {
        Some(condition) if condition["status"] == "True" => {
            let what = condition["type"].as_str().unwrap_or_default().to_lowercase();
            Verdict::complete(format!("{id} is {what}"))
        }
        Some(condition) => {
            let what = words(condition).unwrap_or("it is not ready").trim_end_matches('.');
            Verdict::progressing(format!("Waiting for {id}: {what}..."))
        }
        None => Verdict::complete(format!("{id} is as specified")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::told;

    fn conditions(list: &Value) -> Value {
        json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": list}})
    }

    #[test]
    fn ready_decides_then_available_then_being_there() {
        for (list, expected) in [
            (
                json!([{"type": "Ready", "status": "True", "reason": "AllOk", "message": "All looks ok"}]),
                "complete: database/n is ready",
            ),
            (
                json!([{"type": "Ready", "status": "False", "reason": "NotReadyYet"}]),
                "progressing: Waiting for database/n: NotReadyYet...",
            ),
            (
                json!([{"type": "Ready", "status": "Unknown", "message": "The node does not answer."}]),
                "progressing: Waiting for database/n: The node does not answer...",
            ),
            (
                json!([{"type": "Available", "status": "False"}]),
                "progressing: Waiting for database/n: it is not ready...",
            ),
            (
                json!([{"type": "Available", "status": "False"}, {"type": "Ready", "status": "True"}]),
                "complete: database/n is ready",
            ),
            (json!([{"type": "Ready", "status": "Maybe"}]), "complete: database/n is as specified"),
            (
                json!([{"type": "Synced", "status": "False"}]),
                "complete: database/n is as specified",
            ),
        ] {
            let rest = conditions(&list);
            assert_eq!(told("example.com/v1", "Database", rest), expected, "{list}");
        }
        let unavailable =
            json!([{"type": "Available", "status": "False", "message": "no endpoints"}]);
        assert_eq!(
            told("apiregistration.k8s.io/v1", "APIService", conditions(&unavailable)),
            "progressing: Waiting for apiservice/n: no endpoints..."
        );
    }

    #[test]
    fn what_has_no_status_is_complete_once_it_is_written() {
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("v1", "Secret"),
            ("v1", "ServiceAccount"),
            ("rbac.authorization.k8s.io/v1", "Role"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
        ] {
            let id = kind.to_lowercase();
            assert_eq!(
                told(api_version, kind, json!({})),
                format!("complete: {id}/n is as specified")
            );
        }
    }
}
