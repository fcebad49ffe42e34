//! How a rollout stands, as a table that is drawn anew on a terminal.

use std::sync::{Mutex, PoisonError};

use notes_console::{Live, Ui};
use notes_k8s_deploy::{
    Verdict,
    diagnosis::Diagnosis,
    rollout::{Counts, Standing},
};

use crate::commands::history::columns;

/// How many pods in trouble are shown: the others most often tell the same.
const SHOWN: usize = 5;

/// The table: there as long as something is rolled out.
pub(crate) struct Table {
    ui: Ui,
    live: Mutex<Option<Live>>,
}

impl Table {
    pub(crate) fn new(ui: &Ui) -> Self {
        Self { ui: ui.clone(), live: Mutex::default() }
    }

    /// Tells whether there is somebody to see it.
    pub(crate) fn is_shown(&self) -> bool {
        self.ui.draws_bars()
    }

    /// Shows how the objects stand, or takes the table away where there are none any more.
    pub(crate) fn show(&self, objects: &[Standing], wrong: &[Diagnosis]) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if objects.is_empty() {
            *live = None;
        } else if self.is_shown() {
            live.get_or_insert_with(|| self.ui.live()).show(text(objects, wrong));
        }
    }
}

/// A row for each workload and for what is waited for, then a line for each place that is in trouble.
fn text(objects: &[Standing], wrong: &[Diagnosis]) -> String {
    let head = ["OBJECT", "READY", "UPDATED", "AVAILABLE", "STATE"].map(ToOwned::to_owned);
    let waited_for = |object: &&Standing| object.counts.is_some() || !object.verdict.is_complete();
    let rows = objects.iter().filter(waited_for).map(row);
    let mut text = columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    for diagnosis in wrong.iter().take(SHOWN) {
        text.push_str("\n! ");
        text.push_str(&crate::failure::describe(diagnosis));
    }
    if wrong.len() > SHOWN {
        text.push_str("\n! …");
    }
    text
}

fn row(object: &Standing) -> [String; 5] {
    let state = match &object.verdict {
        Verdict::Complete { .. } => "complete",
        Verdict::Progressing { .. } => "progressing",
        Verdict::Failed { .. } => "failed",
    };
    let id = object.id.to_string();
    let Some(Counts { wanted, ready, updated, available }) = object.counts else {
        return [id, String::new(), String::new(), String::new(), state.into()];
    };
    let of = |count: i64| format!("{count}/{wanted}");
    [id, of(ready), of(updated), of(available), state.into()]
}

#[cfg(test)]
mod tests {
    use notes_k8s_deploy::{Object, judge};
    use serde_json::json;

    use super::*;

    fn standing(value: serde_json::Value) -> Standing {
        let object = Object::new(value);
        Standing { id: object.id(), verdict: judge(&object), counts: Counts::of(&object) }
    }

    #[test]
    fn workloads_and_what_is_waited_for_have_a_row() {
        let objects = [
            standing(
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}),
            ),
            standing(json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 10},
                "status": {"updatedReplicas": 5, "replicas": 12, "readyReplicas": 8, "availableReplicas": 7},
            })),
            standing(json!({
                "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
                "status": {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberReady": 1, "numberAvailable": 1},
            })),
            standing(
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}}),
            ),
        ];
        insta::assert_snapshot!(text(&objects, &[]), @r"
        OBJECT           READY  UPDATED  AVAILABLE  STATE
        deployment/web   8/10   5/10     7/10       progressing
        daemonset/agent  1/1    1/1      1/1        complete
        job/migrate                                 progressing
        ");
    }
}
