//! A `CustomResourceDefinition`: it stands once its kind is served.

use super::{Verdict, words};
use crate::Object;

/// Judges by the first of its conditions that decides, as kstatus does.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    let decisive = object.list("/status/conditions").iter().find_map(|condition| {
        let because = words(condition).unwrap_or("the server does not say why");
        match (condition["type"].as_str()?, condition["status"].as_str()?) {
            ("NamesAccepted", "False") => {
                Some(Verdict::failed(format!("the names of {id} are taken: {because}")))
            }
            ("Established", "True") => Some(Verdict::complete(format!("{id} is established"))),
            ("Established", "False") if condition["reason"] != "Installing" => {
                Some(Verdict::failed(format!("{id} cannot be established: {because}")))
            }
            _ => None,
        }
    });
    decisive.unwrap_or_else(|| {
        Verdict::progressing(format!("Waiting for {id}: it is not established..."))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn the_names_come_first_then_the_kind_is_served() {
        let waits = "progressing: Waiting for customresourcedefinition/n: it is not established...";
        for (conditions, expected) in [
            (json!(null), waits),
            (
                json!([
                    {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"},
                    {"type": "Established", "status": "False", "reason": "Installing"},
                ]),
                waits,
            ),
            (
                json!([{"type": "NamesAccepted", "status": "False", "reason": "ListKindConflict"}]),
                "failed: the names of customresourcedefinition/n are taken: ListKindConflict",
            ),
            (
                json!([{"type": "Established", "status": "False", "reason": "NotAccepted", "message": "not all names are accepted"}]),
                "failed: customresourcedefinition/n cannot be established: not all names are accepted",
            ),
            (
                json!([
                    {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"},
                    {"type": "Established", "status": "True", "reason": "InitialNamesAccepted"},
                ]),
                "complete: customresourcedefinition/n is established",
            ),
        ] {
            let rest = json!({"metadata": {"generation": 1}, "status": {"conditions": conditions}});
            let kind = "CustomResourceDefinition";
            assert_eq!(told("apiextensions.k8s.io/v1", kind, rest.clone()), expected, "{rest}");
        }
    }
}
