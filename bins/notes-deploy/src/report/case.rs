//! How each object of a release ended.

use jiff::Timestamp;
use notes_k8s_deploy::{
    ObjectId,
    diagnosis::{Cause, Diagnosis},
    evidence::{Moment, What},
};
use serde::Serialize;

/// One object, and how it ended.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Case {
    /// The namespace, or what else tells objects of one name apart.
    pub(crate) place: String,
    /// The object.
    pub(crate) name: String,
    /// How long it took from its apply until it stood.
    pub(crate) seconds: f64,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) end: End,
}

/// How an object ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "end")]
pub(crate) enum End {
    /// It is as specified.
    Passed {
        /// What was reached.
        message: String,
    },
    /// It failed, or was not there in time.
    Failed {
        /// The cause, for programs.
        cause: String,
        /// What is wrong.
        message: String,
        /// The evidence, and what to do.
        details: Vec<String>,
    },
    /// Nobody waited for it.
    Skipped {
        /// Why.
        message: String,
    },
}

impl Case {
    /// Returns the case of an object from what happened to it.
    pub(super) fn of(id: &ObjectId, moments: &[Moment], problem: Option<End>) -> Self {
        let own: Vec<&Moment> = moments.iter().filter(|moment| is_about(moment, id)).collect();
        let end = problem.unwrap_or_else(|| match own.last() {
            None => End::Skipped { message: "it was not applied".into() },
            Some(last) if matches!(last.what, What::Applied | What::Completed) => {
                End::Passed { message: last.text.clone() }
            }
            Some(last) => End::Skipped { message: last.text.clone() },
        });
        Self {
            place: id.namespace.clone().unwrap_or_else(|| "cluster".into()),
            name: id.to_string(),
            seconds: seconds(
                own.first().map(|moment| moment.at),
                own.last().map(|moment| moment.at),
            ),
            end,
        }
    }
}

fn is_about(moment: &Moment, id: &ObjectId) -> bool {
    moment.object.as_ref().is_some_and(|object| {
        // An object of a custom kind gets its namespace only when it is applied.
        (&object.group, &object.kind, &object.name) == (&id.group, &id.kind, &id.name)
            && (object.namespace == id.namespace || id.namespace.is_none())
    })
}

/// Returns the time between two moments; none where one of them never came.
pub(super) fn seconds(from: Option<Timestamp>, until: Option<Timestamp>) -> f64 {
    let (Some(from), Some(until)) = (from, until) else { return 0.0 };
    until.duration_since(from).as_secs_f64().max(0.0)
}

/// Returns the failure of a workload.
pub(super) fn failed(diagnosis: &Diagnosis) -> End {
    let mut details = vec![format!("{}: {}", diagnosis.place, diagnosis.summary)];
    details.extend(diagnosis.evidence.iter().cloned());
    details.extend(diagnosis.hint.iter().map(|hint| format!("hint: {hint}")));
    End::Failed {
        cause: cause(diagnosis.cause),
        message: format!("{}: {}", diagnosis.place, diagnosis.summary),
        details,
    }
}

/// Returns the name of a cause.
pub(super) fn cause(cause: Cause) -> String {
    let value = serde_json::to_value(cause).expect("a cause is a word");
    value.as_str().unwrap_or_default().to_owned()
}
