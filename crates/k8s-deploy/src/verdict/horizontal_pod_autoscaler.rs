//! A `HorizontalPodAutoscaler`: it stands when it is seen; whether there are metrics is told, and fails nothing.

use super::{Verdict, words};
use crate::Object;

/// Judges as kstatus does, which waits for nothing but the generation: on a cluster without a metrics server, the
/// application runs all the same, with the number of pods that it has.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    let obstacle = ["AbleToScale", "ScalingActive"]
        .into_iter()
        .find_map(|kind| object.condition(kind).filter(|condition| condition["status"] == "False"));
    match obstacle {
        Some(condition) => {
            let because = words(condition).unwrap_or("it does not say why");
            Verdict::complete(format!("{id} is there, and does not scale: {because}"))
        }
        None => Verdict::complete(format!("{id} is as specified")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn missing_metrics_are_told_and_fail_nothing() {
        let id = "horizontalpodautoscaler/n";
        for (rest, expected) in [
            (json!({}), format!("complete: {id} is as specified")),
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                format!("progressing: Waiting for {id} to be observed..."),
            ),
            (
                json!({"status": {"conditions": [
                    {"type": "AbleToScale", "status": "True"},
                    {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"},
                ]}}),
                format!("complete: {id} is there, and does not scale: no metrics"),
            ),
            (
                json!({"status": {"conditions": [
                    {"type": "AbleToScale", "status": "True"}, {"type": "ScalingActive", "status": "True"},
                ]}}),
                format!("complete: {id} is as specified"),
            ),
        ] {
            let kind = "HorizontalPodAutoscaler";
            assert_eq!(told("autoscaling/v2", kind, rest.clone()), expected, "{rest}");
        }
    }
}
