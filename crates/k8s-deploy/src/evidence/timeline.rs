//! What happened during a deploy, with the time of each.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    ObjectId, Reporter, Verdict, apply::Change, diagnosis::Diagnosis, lock::Holder,
    rollout::Standing,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub what: What,
    /// To which object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectId>,
    /// In one sentence.
    pub text: String,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum What {
    /// An object was applied.
    Applied,
    /// Another deploy was waited for.
    Waited,
    /// An object was removed.
    Removed,
    /// An object that no release has any more was left where it is.
    Kept,
    /// An object stood differently than before.
    Judged,
    /// An object stood as specified.
    Completed,
    /// Something was wrong, perhaps only for a while.
    Observed,
    /// A Job that is waited for has said something.
    Logged,
    /// A person was warned.
    Warned,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Applied => "applied",
            Self::Waited => "waited",
            Self::Removed => "removed",
            Self::Kept => "kept",
            Self::Judged => "judged",
            Self::Completed => "completed",
            Self::Observed => "observed",
            Self::Logged => "logged",
            Self::Warned => "warned",
        })
    }
}

/// Remembers what another reporter hears, and passes it on. The clock is the caller's.
pub struct Timeline<'a> {
    inner: &'a dyn Reporter,
    clock: fn() -> Timestamp,
    moments: Mutex<Vec<Moment>>,
}

impl<'a> Timeline<'a> {
    /// Returns an empty timeline in front of `inner`.
    pub fn new(inner: &'a dyn Reporter, clock: fn() -> Timestamp) -> Self {
        Self { inner, clock, moments: Mutex::default() }
    }

    /// Returns what has happened so far, in order.
    pub fn moments(&self) -> Vec<Moment> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, what: What, object: Option<&ObjectId>, text: impl Into<String>) {
        let moment =
            Moment { at: (self.clock)(), what, object: object.cloned(), text: text.into() };
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}

impl Reporter for Timeline<'_> {
    fn applied(&self, object: &ObjectId, change: Change) {
        self.add(What::Applied, Some(object), change.to_string());
        self.inner.applied(object, change);
    }

    fn waits(&self, holder: &Holder) {
        self.add(What::Waited, None, format!("for the deploy of {holder}"));
        self.inner.waits(holder);
    }

    fn took_over(&self, holder: &Holder) {
        self.add(What::Warned, None, format!("the deploy of {holder} was killed"));
        self.inner.took_over(holder);
    }

    fn removed(&self, object: &ObjectId, reason: &str) {
        self.add(What::Removed, Some(object), reason);
        self.inner.removed(object, reason);
    }

    fn kept(&self, object: &ObjectId, reason: &str) {
        self.add(What::Kept, Some(object), reason);
        self.inner.kept(object, reason);
    }

    fn judged(&self, object: &ObjectId, verdict: &Verdict) {
        let what = if verdict.is_complete() { What::Completed } else { What::Judged };
        self.add(what, Some(object), verdict.message());
        self.inner.judged(object, verdict);
    }

    fn observed(&self, diagnosis: &Diagnosis) {
        let text = format!("{}: {}", diagnosis.place, diagnosis.summary);
        self.add(What::Observed, Some(&diagnosis.workload), text);
        self.inner.observed(diagnosis);
    }

    fn logged(&self, job: &ObjectId, line: &str) {
        self.add(What::Logged, Some(job), line);
        self.inner.logged(job, line);
    }

    fn standing(&self, objects: &[Standing], wrong: &[Diagnosis]) {
        self.inner.standing(objects, wrong);
    }

    fn warned(&self, text: &str) {
        self.add(What::Warned, None, text);
        self.inner.warned(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    #[test]
    fn what_happens_is_remembered_in_order() {
        let timeline = Timeline::new(&Silent, || Timestamp::UNIX_EPOCH);
        let id =
            crate::Object::new(serde_json::json!({"kind": "Service", "metadata": {"name": "web"}}));
        timeline.applied(&id.id(), Change::Created);
        timeline.judged(&id.id(), &Verdict::Complete { message: "service exists".into() });
        timeline.warned("slow");
        let said: Vec<_> = timeline
            .moments()
            .into_iter()
            .map(|moment| format!("{} {}", moment.what, moment.text))
            .collect();
        assert_eq!(said, ["applied created", "completed service exists", "warned slow"]);
    }
}
