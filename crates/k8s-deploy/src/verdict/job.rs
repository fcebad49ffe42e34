//! A Job: it is complete when it has ended well.

use serde_json::Value;

use super::{Verdict, count, words};
use crate::Object;

/// Judges by the conditions: how it has ended, that it is about to, that it is halted.
///
/// kstatus calls a running Job current; here it is waited for, because what comes after a migration must not begin
/// before it ends. A Job that somebody has suspended is as specified.
pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    let holding = || {
        let conditions = object.list("/status/conditions").iter();
        conditions.filter(|condition| condition["status"] == "True")
    };
    let first = |types: &[&str]| {
        holding().find(|condition| types.iter().any(|kind| condition["type"] == *kind))
    };
    if let Some(end) = first(&["Complete", "Failed"]) {
        return if end["type"] == "Complete" {
            Verdict::complete(format!("job \"{name}\" completed"))
        } else {
            failed(name, end)
        };
    }
    // It means that `Failed` follows once the pods have ended (KEP-3329).
    if let Some(end) = first(&["FailureTarget"]) {
        return failed(name, end);
    }
    if first(&["Suspended"]).is_some() {
        return Verdict::complete(format!("job \"{name}\" is suspended"));
    }
    waiting(object)
}

fn failed(name: &str, condition: &Value) -> Verdict {
    let message = words(condition).unwrap_or("a pod failed");
    Verdict::failed(format!("job \"{name}\" failed: {message}"))
}

fn waiting(object: &Object) -> Verdict {
    let name = object.name();
    if object.at("/status/startTime").is_none() {
        return Verdict::progressing(format!("Waiting for job \"{name}\" to start..."));
    }
    Verdict::progressing(format!(
        "Waiting for job \"{name}\" to complete: {} active, {} succeeded, {} failed...",
        count(object, "active"),
        count(object, "succeeded"),
        count(object, "failed"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn a_running_job_is_waited_for() {
        let holds =
            |kind: &str| json!([{"type": kind, "status": "True", "reason": "R", "message": "m"}]);
        for (status, expected) in [
            (json!({}), "progressing: Waiting for job \"n\" to start..."),
            (
                json!({
                    "startTime": "2026-01-01T00:00:00Z", "active": 2, "succeeded": 3, "failed": 1,
                    "conditions": [{"type": "Failed", "status": "False"}, {"type": "Complete", "status": "False"}],
                }),
                "progressing: Waiting for job \"n\" to complete: 2 active, 3 succeeded, 1 failed...",
            ),
            (
                json!({"succeeded": 1, "active": 0, "conditions": holds("Complete")}),
                "complete: job \"n\" completed",
            ),
            (
                json!({"succeeded": 3, "failed": 1, "conditions": holds("Failed")}),
                "failed: job \"n\" failed: m",
            ),
            (
                json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
                "failed: job \"n\" failed: BackoffLimitExceeded",
            ),
            (json!({"conditions": holds("FailureTarget")}), "failed: job \"n\" failed: m"),
            (json!({"conditions": holds("Suspended")}), "complete: job \"n\" is suspended"),
            // The pods that are over the count are being ended; `Complete` follows.
            (
                json!({"startTime": "2026-01-01T00:00:00Z", "succeeded": 1, "conditions": holds("SuccessCriteriaMet")}),
                "progressing: Waiting for job \"n\" to complete: 0 active, 1 succeeded, 0 failed...",
            ),
        ] {
            let rest = json!({"metadata": {"generation": 1}, "status": status});
            assert_eq!(told("batch/v1", "Job", rest.clone()), expected, "{rest}");
        }
    }
}
