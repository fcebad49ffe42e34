//! A `PodDisruptionBudget`: it stands once it is seen.

use super::{Verdict, words};
use crate::Object;

/// Judges as kstatus does. That no pod may be evicted at the moment, or that the budget selects none, is told.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    let obstacle = object
        .condition("DisruptionAllowed")
        .filter(|condition| condition["reason"] == "SyncFailed")
        .and_then(words);
    match (obstacle, object.integer("/status/disruptionsAllowed")) {
        (Some(because), _) => {
            Verdict::complete(format!("{id} is there, and protects nothing: {because}"))
        }
        (None, Some(allowed)) => Verdict::complete(format!("{id} allows {allowed} disruptions")),
        (None, None) => Verdict::complete(format!("{id} is as specified")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn it_stands_once_it_is_seen() {
        let id = "poddisruptionbudget/n";
        for (rest, expected) in [
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                format!("progressing: Waiting for {id} to be observed..."),
            ),
            (
                json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}),
                format!("complete: {id} is as specified"),
            ),
            (
                json!({"status": {"disruptionsAllowed": 0, "conditions": [
                    {"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"},
                ]}}),
                format!("complete: {id} allows 0 disruptions"),
            ),
            (
                json!({"status": {"disruptionsAllowed": 0, "conditions": [
                    {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "no controllers"},
                ]}}),
                format!("complete: {id} is there, and protects nothing: no controllers"),
            ),
        ] {
            assert_eq!(told("policy/v1", "PodDisruptionBudget", rest.clone()), expected, "{rest}");
        }
    }
}
