//! What holds for every kind whose controller follows the conventions of the Kubernetes API.

use serde_json::Value;

use super::{Verdict, words};
use crate::Object;

/// Judges by deletion, the observed generation and the conditions `Reconciling` and `Stalled`, in kstatus's order.
/// `None` where they say nothing, so that the kind's own rules decide.
pub(super) fn judge(object: &Object) -> Option<Verdict> {
    let id = object.id();
    if object.at("/metadata/deletionTimestamp").is_some() {
        let held = held_by(object).map(|by| format!(" and held by {by}")).unwrap_or_default();
        return Some(Verdict::progressing(format!(
            "Waiting for {id}, which is being deleted{held}..."
        )));
    }
    if let (Some(wanted), Some(seen)) =
        (object.integer("/metadata/generation"), object.integer("/status/observedGeneration"))
        && wanted != seen
    {
        return Some(Verdict::progressing(format!("Waiting for {id} to be observed...")));
    }
    object.list("/status/conditions").iter().find_map(|condition| of_condition(object, condition))
}

fn of_condition(object: &Object, condition: &Value) -> Option<Verdict> {
    if condition["status"] != "True" {
        return None;
    }
    let id = object.id();
    match condition["type"].as_str()? {
        "Reconciling" => {
            let what = words(condition).unwrap_or("its controller is at work");
            Some(Verdict::progressing(format!("Waiting for {id}: {what}...")))
        }
        "Stalled" => {
            let why = words(condition).unwrap_or("its controller reports that it is stalled");
            Some(Verdict::failed(format!("{id}: {why}")))
        }
        _ => None,
    }
}

/// Returns what keeps an object from being gone.
fn held_by(object: &Object) -> Option<String> {
    let finalizers = object.list("/metadata/finalizers").iter().filter_map(Value::as_str);
    Some(finalizers.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    /// The cases of kstatus's `generic` and of its tests for custom resources.
    #[test]
    fn deletion_then_generation_then_conditions() {
        for (rest, expected) in [
            (json!({"metadata": {"generation": 1}}), "complete: database/n is as specified"),
            (
                json!({
                    "metadata": {"generation": 2, "deletionTimestamp": "2026-01-01T00:00:00Z"},
                    "status": {"observedGeneration": 1},
                }),
                "progressing: Waiting for database/n, which is being deleted...",
            ),
            (
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c", "d"]}}),
                "progressing: Waiting for database/n, which is being deleted and held by a.b/c, d...",
            ),
            (
                json!({
                    "metadata": {"generation": 2},
                    "status": {"observedGeneration": 1, "conditions": [{"type": "Stalled", "status": "True", "message": "old"}]},
                }),
                "progressing: Waiting for database/n to be observed...",
            ),
            // helm#32615: a controller that writes the number as text.
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "1"}}),
                "progressing: Waiting for database/n to be observed...",
            ),
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": "2"}}),
                "complete: database/n is as specified",
            ),
            // A status that was copied from another cluster is not this object's.
            (
                json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 7}}),
                "progressing: Waiting for database/n to be observed...",
            ),
            (
                json!({"status": {"conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "Reconciling", "status": "True", "reason": "Growing", "message": ""},
                ]}}),
                "progressing: Waiting for database/n: Growing...",
            ),
            (
                json!({"status": {"conditions": [
                    {"type": "Reconciling", "status": "False"},
                    {"type": "Stalled", "status": "True", "reason": "Bad", "message": "no such class"},
                ]}}),
                "failed: database/n: no such class",
            ),
            (
                json!({"status": {"conditions": [{"type": "SomeCondition", "status": "False"}]}}),
                "complete: database/n is as specified",
            ),
        ] {
            assert_eq!(told("example.com/v1", "Database", rest.clone()), expected, "{rest}");
        }
    }
}
