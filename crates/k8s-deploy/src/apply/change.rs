//! What applying an object changed, from the answer alone.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::{FIELD_MANAGER, Object, ObjectId, cluster::Answer};

/// What applying an object changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there before.
    Created,
    /// It was changed.
    Configured,
    /// It was as wanted already.
    Unchanged,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

/// What identifies the state an apply left: when our fields last changed, and the generation.
///
/// Not the resource version, which the server may raise without a change (kubernetes#121404, #124605).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    time: Option<Timestamp>,
    generation: Option<i64>,
}

/// The marks of the objects of a release.
pub type Marks = BTreeMap<ObjectId, Mark>;

impl Mark {
    /// Returns the mark of an object as the server returned it.
    pub fn of(object: &Object) -> Self {
        Self { time: applied_at(object), generation: object.integer("/metadata/generation") }
    }
}

/// Tells from the answer to a PATCH what it changed.
///
/// The server sets the time of a manager's entry in `managedFields` only when the apply changed something. It is
/// compared with what the last release left; without that, with the server's own clock at the time of the answer.
pub(super) fn classify(answer: &Answer, before: Option<&Mark>) -> Change {
    if answer.status == http::StatusCode::CREATED {
        return Change::Created;
    }
    let after = Mark::of(&answer.object);
    let is_changed = match (before, after.time, answer.date) {
        (Some(before), ..) => *before != after,
        // The server's times have whole seconds, and an answer may come in the second after the change.
        (None, Some(time), Some(date)) => time >= date - 1.second(),
        (None, ..) => true,
    };
    if is_changed { Change::Configured } else { Change::Unchanged }
}

fn applied_at(object: &Object) -> Option<Timestamp> {
    object.list("/metadata/managedFields").iter().find(|entry| {
        entry["manager"] == FIELD_MANAGER
            && entry["operation"] == "Apply"
            && entry.get("subresource").is_none()
    })?["time"]
        .as_str()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::cluster::http_date;

    fn answer(status: StatusCode, generation: i64, time: &str) -> Answer {
        let object = Object::new(json!({"metadata": {"generation": generation, "managedFields": [
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "time": "2026-01-01T00:00:09Z"},
            {"manager": "notes-deploy", "operation": "Apply", "time": time},
        ]}}));
        Answer { object, status, date: http_date("Thu, 01 Jan 2026 00:00:05 GMT") }
    }

    #[test]
    fn a_change_is_told_from_none() {
        let mark = Mark::of(&answer(StatusCode::OK, 1, "2026-01-01T00:00:00Z").object);
        for (status, generation, time, before, change) in [
            (StatusCode::CREATED, 1, "2026-01-01T00:00:05Z", None, Change::Created),
            (StatusCode::OK, 1, "2026-01-01T00:00:00Z", Some(&mark), Change::Unchanged),
            (StatusCode::OK, 2, "2026-01-01T00:00:00Z", Some(&mark), Change::Configured),
            (StatusCode::OK, 1, "2026-01-01T00:00:01Z", Some(&mark), Change::Configured),
            (StatusCode::OK, 1, "2026-01-01T00:00:04Z", None, Change::Configured),
            (StatusCode::OK, 1, "2026-01-01T00:00:03Z", None, Change::Unchanged),
        ] {
            assert_eq!(classify(&answer(status, generation, time), before), change, "{time}");
        }
    }
}
