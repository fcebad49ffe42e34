//! Pods that are not even created.

use super::{Cause, Diagnosis, Grade, Scene};

/// Judges what the controllers say about pods they could not create.
///
/// Deployments and `ReplicaSets` carry a condition, which is true only as long as it lasts. Of others there are only
/// events, which count while pods are missing. The Deployment's may be left from the release before, whose `ReplicaSet` is about
/// to go: where there is one of this release, that alone counts, and before the controller has seen this release nothing does.
pub(super) fn diagnose(scene: &Scene<'_>) -> Option<Diagnosis> {
    let workload = Some(scene.workload).filter(|workload| workload.is_observed() != Some(false));
    let condition = scene
        .replica_set
        .or(workload)
        .and_then(|object| object.condition("ReplicaFailure").filter(|c| c["status"] == "True"))
        .and_then(|condition| condition["message"].as_str());
    let event = || {
        let wanted = scene.workload.integer("/spec/replicas").unwrap_or(1);
        let is_missing = i64::try_from(scene.pods.len()).is_ok_and(|pods| pods < wanted);
        let events = scene.events.messages(scene.workload.uid(), "FailedCreate");
        events.first().copied().filter(|_| is_missing)
    };
    let message = condition.or_else(event)?;
    let has = |text: &str| message.contains(text);
    let (cause, grade, summary, hint) = if has("exceeded quota") {
        // Pods of the old revision may be about to leave room.
        let hint =
            "ask for less in `resources`, have the quota raised, or delete what is not needed";
        (Cause::QuotaExceeded, Grade::probable(10), "the namespace's quota is used up", hint)
    } else if has("violates PodSecurity") {
        let hint =
            "give the pods the securityContext that the namespace's Pod Security Standard asks for";
        (
            Cause::PodSecurity,
            Grade::Certain,
            "the namespace's Pod Security Standard forbids the pods",
            hint,
        )
    } else if has("serviceaccount") && has("not found") {
        let hint = "create the ServiceAccount, or take `serviceAccountName` out of the manifest";
        (
            Cause::ServiceAccountMissing,
            // The controller tries again after twice as long each time, among others 5.1 and 10.2 seconds after the first.
            Grade::probable(12),
            "the pods' service account is missing",
            hint,
        )
    } else if has("failed calling webhook") {
        let hint = "nothing is created until it answers, or its configuration says `failurePolicy: Ignore`";
        (Cause::PodsRefused, Grade::probable(15), "an admission webhook does not answer", hint)
    } else if has("must specify") {
        let hint = "set the `resources` that the message names";
        (
            Cause::PodsRefused,
            Grade::probable(5),
            "the namespace's quota asks for resources that the pods do not name",
            hint,
        )
    } else if has("admission webhook") {
        let hint = "the webhook's message says which policy is hurt";
        (Cause::PodsRefused, Grade::probable(15), "an admission webhook refuses the pods", hint)
    } else if has("maximum ") || has("minimum ") {
        let hint = "the namespace's LimitRange sets these bounds";
        (
            Cause::PodsRefused,
            Grade::probable(5),
            "the pods' resources are out of the namespace's bounds",
            hint,
        )
    } else {
        (
            Cause::PodsRefused,
            Grade::probable(15),
            "the pods cannot be created",
            "the message says why",
        )
    };
    let reporter = scene.replica_set.unwrap_or(scene.workload);
    Some(Diagnosis {
        cause,
        workload: scene.workload.id(),
        place: reporter.id().to_string(),
        summary: summary.into(),
        grade,
        evidence: vec![message.into()],
        hint: Some(hint.into()),
    })
}
