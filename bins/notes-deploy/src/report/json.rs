//! Everything, for programs.

use notes_k8s_deploy::diagnosis::{Diagnosis, Grade};
use serde_json::{Value, json};

use super::{case::cause, story::Story};

/// The version of the file's form: raised when a field changes its meaning or goes.
const VERSION: u32 = 1;

pub(super) fn evidence(story: &Story) -> String {
    let (release, evidence) = (&story.release, &story.evidence);
    let value = json!({
        "version": VERSION,
        "app": release.app,
        "namespace": release.namespace,
        "image": release.image.to_string(),
        "provenance": release.provenance,
        "begun": story.begun,
        "ended": story.ended,
        "problem": story.problem.as_ref().map(|problem| json!({
            "code": problem.code, "message": problem.message, "hints": problem.hints,
        })),
        "afterwards": story.afterwards,
        "diagnoses": story.diagnoses.iter().map(diagnosis).collect::<Vec<_>>(),
        "objects-ended": story.cases,
        "timeline": story.timeline,
        "events": evidence.events,
        "logs": evidence.logs,
        "objects": evidence.objects,
        "missing": evidence.missing,
    });
    serde_json::to_string_pretty(&value).expect("a JSON value has a text") + "\n"
}

fn diagnosis(diagnosis: &Diagnosis) -> Value {
    let (certainty, seconds) = match diagnosis.grade {
        Grade::Certain => ("certain", None),
        Grade::Probable { grace } => ("probable", Some(grace.as_secs())),
        Grade::Transient => ("transient", None),
    };
    json!({
        "cause": cause(diagnosis.cause),
        "workload": diagnosis.workload,
        "place": diagnosis.place,
        "summary": diagnosis.summary,
        "grade": certainty,
        "grace": seconds,
        "evidence": diagnosis.evidence,
        "hint": diagnosis.hint,
    })
}
