//! Where an object stands: pure judgement, one file per kind, the observed generation first.

mod daemon_set;
mod deployment;
mod job;
mod other;
mod pod;
mod stateful_set;

use crate::Object;

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

/// Judges one object.
///
/// For Deployments, `StatefulSets` and `DaemonSets` the rules, their order and the texts are those of
/// `kubectl rollout status` (`kubectl/pkg/polymorphichelpers/rollout_status.go`). Other kinds follow kstatus
/// (sigs.k8s.io/cli-utils/pkg/kstatus) with two exceptions: a Job that runs is not complete, and a Pod that
/// failed is not either. What these rules cannot see, as an image that is not there, is the diagnosis's to find.
///
/// # Examples
///
/// ```
/// use notes_k8s_deploy::{Object, Verdict, judge};
///
/// let deployment = Object::new(serde_json::json!({
///     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 2},
///     "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2},
/// }));
/// assert_eq!(judge(&deployment).message(), "Waiting for deployment spec update to be observed...");
/// ```
pub fn judge(object: &Object) -> Verdict {
    match (object.group(), object.kind()) {
        ("apps", "Deployment") => deployment::judge(object),
        ("apps", "StatefulSet") => stateful_set::judge(object),
        ("apps", "DaemonSet") => daemon_set::judge(object),
        ("", "Pod") => pod::judge(object),
        ("batch", "Job") => job::judge(object),
        _ => other::judge(object),
    }
}

/// Returns a count in the status; absent is zero, as the API omits zeros.
fn count(object: &Object, field: &str) -> i64 {
    object.integer(&format!("/status/{field}")).unwrap_or(0)
}

/// Returns the reason of a failure that the object itself reports by the conventions of kstatus.
fn stalled(object: &Object) -> Option<Verdict> {
    let text = |condition: &serde_json::Value| {
        condition["message"]
            .as_str()
            .unwrap_or("the controller reports that it is stalled")
            .to_owned()
    };
    object
        .condition("Stalled")
        .filter(|condition| condition["status"] == "True")
        .map(|condition| Verdict::failed(text(condition)))
}
