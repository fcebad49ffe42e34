//! A Job: it is complete when it has ended well.

use super::{Verdict, count};
use crate::Object;

/// Judges by the conditions. kstatus calls a running Job current; here it is waited for, because what comes
/// after a migration must not begin before it ends.
pub(super) fn judge(object: &Object) -> Verdict {
    let name = object.name();
    let holds =
        |kind: &str| object.condition(kind).filter(|condition| condition["status"] == "True");
    if let Some(condition) = holds("Failed") {
        let message = condition["message"].as_str().unwrap_or("a pod failed");
        return Verdict::failed(format!("job \"{name}\" failed: {message}"));
    }
    if holds("Complete").is_some() {
        return Verdict::complete(format!("job \"{name}\" completed"));
    }
    if holds("Suspended").is_some() {
        return Verdict::complete(format!("job \"{name}\" is suspended"));
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

    use super::*;

    #[test]
    fn a_running_job_is_waited_for() {
        let job =
            |status| judge(&Object::new(json!({"metadata": {"name": "n"}, "status": status})));
        assert_eq!(
            job(json!({"active": 1})).message(),
            "Waiting for job \"n\" to complete: 1 active, 0 succeeded, 0 failed..."
        );
        assert!(job(json!({"conditions": [{"type": "Complete", "status": "True"}]})).is_complete());
        assert!(matches!(
            job(
                json!({"conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]})
            ),
            Verdict::Failed { .. }
        ));
    }
}
