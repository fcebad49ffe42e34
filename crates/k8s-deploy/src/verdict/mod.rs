//! Where an object stands: pure judgement, one file per kind, the observed generation first.

mod conventions;
mod cron_job;
mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod horizontal_pod_autoscaler;
mod ingress;
mod job;
mod namespace;
mod other;
mod persistent_volume_claim;
mod pod;
mod pod_disruption_budget;
mod replica_set;
mod service;
mod stateful_set;

use serde_json::Value;

use crate::Object;

/// The annotation that, set to `false`, keeps an object from being waited for: an optional resource that never becomes ready, a
/// load balancer that gets its address from a person.
pub const WAIT: &str = "notes-deploy/wait";

/// Where a rollout stands. Judged from one object, without I/O, its observed generation first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not there yet.
    Progressing {
        /// What is missing, as a sentence.
        waiting_for: String,
    },
    /// As specified.
    Complete {
        /// What was reached, as a sentence.
        message: String,
    },
    /// It will not get there by itself.
    Failed {
        /// Why, as a sentence.
        reason: String,
    },
}

impl Verdict {
    fn progressing(waiting_for: impl Into<String>) -> Self {
        Self::Progressing { waiting_for: waiting_for.into() }
    }

    fn complete(message: impl Into<String>) -> Self {
        Self::Complete { message: message.into() }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }

    /// Tells whether the object is as specified.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }

    /// Returns the sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Progressing { waiting_for } => waiting_for,
            Self::Complete { message } => message,
            Self::Failed { reason } => reason,
        }
    }
}

#[doc = include_str!("../docs/judge.md")]
pub fn judge(object: &Object) -> Verdict {
    if object.annotation(WAIT) == Some("false") {
        return Verdict::complete(format!("{} is not waited for", object.id()));
    }
    match (object.group(), object.kind()) {
        ("apps", "Deployment") => deployment::judge(object),
        ("apps", "StatefulSet") => stateful_set::judge(object),
        ("apps", "DaemonSet") => daemon_set::judge(object),
        ("", "Namespace") => namespace::judge(object),
        _ => conventions::judge(object).unwrap_or_else(|| of_kind(object)),
    }
}

/// Judges by the kind's own rules, once its controller has seen the object and says nothing else.
fn of_kind(object: &Object) -> Verdict {
    match (object.group(), object.kind()) {
        ("", "PersistentVolumeClaim") => persistent_volume_claim::judge(object),
        ("", "Pod") => pod::judge(object),
        ("", "Service") => service::judge(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            custom_resource_definition::judge(object)
        }
        ("apps", "ReplicaSet") => replica_set::judge(object),
        ("autoscaling", "HorizontalPodAutoscaler") => horizontal_pod_autoscaler::judge(object),
        ("batch", "CronJob") => cron_job::judge(object),
        ("batch", "Job") => job::judge(object),
        ("networking.k8s.io", "Ingress") => ingress::judge(object),
        ("policy", "PodDisruptionBudget") => pod_disruption_budget::judge(object),
        _ => other::judge(object),
    }
}

/// Returns a count in the status; absent is zero, as the API omits zeros.
fn count(object: &Object, field: &str) -> i64 {
    object.integer(&format!("/status/{field}")).unwrap_or(0)
}

/// Returns the condition of this type where its status is `True`.
fn holding<'a>(object: &'a Object, condition: &str) -> Option<&'a Value> {
    object.condition(condition).filter(|condition| condition["status"] == "True")
}

/// Returns what a condition says: its message, or else its reason.
fn words(condition: &Value) -> Option<&str> {
    let text = |field: &str| condition[field].as_str().filter(|text| !text.is_empty());
    text("message").or_else(|| text("reason"))
}

/// Returns where objects can be reached from outside, as their status says.
fn addresses(object: &Object) -> Vec<&str> {
    object
        .list("/status/loadBalancer/ingress")
        .iter()
        .filter_map(|entry| entry["hostname"].as_str().or_else(|| entry["ip"].as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns the state and the message of an object called `n`.
    pub(super) fn told(api_version: &str, kind: &str, rest: Value) -> String {
        let mut object = rest;
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        object["metadata"]["name"] = "n".into();
        let verdict = judge(&Object::new(object));
        let state = match verdict {
            Verdict::Progressing { .. } => "progressing",
            Verdict::Complete { .. } => "complete",
            Verdict::Failed { .. } => "failed",
        };
        format!("{state}: {}", verdict.message())
    }

    #[test]
    fn what_is_not_waited_for_is_complete() {
        let rest = |wait: &str| {
            json!({
                "metadata": {"annotations": {"notes-deploy/wait": wait}},
                "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no"}]},
            })
        };
        assert_eq!(
            told("example.com/v1", "Database", rest("false")),
            "complete: database/n is not waited for"
        );
        assert_eq!(
            told("example.com/v1", "Database", rest("true")),
            "progressing: Waiting for database/n: no..."
        );
    }
}
