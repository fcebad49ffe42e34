//! A Namespace: it stands unless it is being deleted.

use super::{Verdict, conventions, words};
use crate::Object;

/// Judges by the conventions, but says of one that is being deleted what still lives in it, not which finalizers it has.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    let is_leaving = object.at("/metadata/deletionTimestamp").is_some()
        || object.text("/status/phase") == Some("Terminating");
    if !is_leaving {
        let complete = || Verdict::complete(format!("{id} is there"));
        return conventions::judge(object).unwrap_or_else(complete);
    }
    let conditions = object.list("/status/conditions").iter();
    let remaining = conditions
        .filter(|condition| condition["status"] == "True")
        .filter_map(words)
        .map(|words| format!(": {words}"))
        .next()
        .unwrap_or_default();
    Verdict::progressing(format!("Waiting for {id}, which is being deleted{remaining}..."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn one_that_is_being_deleted_says_what_remains() {
        let terminating = "progressing: Waiting for namespace/n, which is being deleted";
        for (rest, expected) in [
            (json!({}), "complete: namespace/n is there".to_owned()),
            (json!({"status": {"phase": "Active"}}), "complete: namespace/n is there".into()),
            (json!({"status": {"phase": "Terminating"}}), format!("{terminating}...")),
            (
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Terminating", "conditions": [
                    {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "none"},
                    {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "a.b/c in 1 resource instances"},
                ]}}),
                format!("{terminating}: a.b/c in 1 resource instances..."),
            ),
        ] {
            assert_eq!(told("v1", "Namespace", rest.clone()), expected, "{rest}");
        }
    }
}
