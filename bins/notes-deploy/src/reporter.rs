//! One line per change, on stderr; on a terminal also a table that shows how all stands.

use std::sync::atomic::{AtomicBool, Ordering};

use notes_console::Ui;
use notes_k8s_deploy::{
    ObjectId, Reporter, Verdict,
    apply::Change,
    diagnosis::{Diagnosis, Grade},
    lock::Holder,
    port_forward,
    rollout::Standing,
};

use crate::{failure, table::Table};

/// Tells a person what happens, and remembers whether anything was changed.
pub(crate) struct Lines {
    ui: Ui,
    table: Table,
    has_changed: AtomicBool,
}

impl Lines {
    pub(crate) fn new(ui: &Ui) -> Self {
        Self { ui: ui.clone(), table: Table::new(ui), has_changed: AtomicBool::new(false) }
    }

    /// Tells whether an object was made or changed.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed.load(Ordering::Relaxed)
    }
}

impl Reporter for Lines {
    fn waits(&self, holder: &Holder) {
        self.ui.step("Waiting", format_args!("for the deploy of {holder}"));
    }

    fn took_over(&self, holder: &Holder) {
        self.ui.warning(format_args!(
            "the deploy of {holder} was killed; this one goes on from there"
        ));
    }

    fn applied(&self, object: &ObjectId, change: Change) {
        if change != Change::Unchanged {
            self.has_changed.store(true, Ordering::Relaxed);
        }
        let verb = match change {
            Change::Created => "Created",
            Change::Configured => "Configured",
            Change::Unchanged => "Unchanged",
        };
        match &object.namespace {
            Some(namespace) => self.ui.step(verb, format_args!("{object} in {namespace}")),
            None => self.ui.step(verb, object),
        }
    }

    fn removed(&self, object: &ObjectId, reason: &str) {
        self.ui.step("Removed", format_args!("{object}: {reason}"));
    }

    fn kept(&self, object: &ObjectId, reason: &str) {
        self.ui.step("Kept", format_args!("{object}: {reason}"));
    }

    fn judged(&self, object: &ObjectId, verdict: &Verdict) {
        let message = verdict.message();
        let verb = match verdict {
            // The table shows it.
            Verdict::Progressing { .. } if self.table.is_shown() => return,
            Verdict::Progressing { .. } => "Rollout",
            Verdict::Complete { .. } => "Complete",
            Verdict::Failed { .. } => "Failed",
        };
        // kubectl's sentences name their object for some kinds only.
        if message.contains(&object.name) {
            self.ui.step(verb, message);
        } else {
            self.ui.step(verb, format_args!("{object}: {message}"));
        }
    }

    fn standing(&self, objects: &[Standing], wrong: &[Diagnosis]) {
        self.table.show(objects, wrong);
    }

    fn observed(&self, diagnosis: &Diagnosis) {
        let text = failure::describe(diagnosis);
        match diagnosis.grade {
            Grade::Certain => {}
            Grade::Probable { grace } => {
                self.ui.warning(format_args!("{text} (for at most {} s more)", grace.as_secs()));
            }
            Grade::Transient => self.ui.step("Noticed", text),
        }
    }

    fn logged(&self, job: &ObjectId, line: &str) {
        self.ui.line(format_args!("{job} | {line}"));
    }

    fn warned(&self, text: &str) {
        self.ui.warning(text);
    }
}

impl port_forward::Reporter for Lines {
    fn connected(&self, pod: &str) {
        self.ui.detail(format_args!("connection to pod/{pod}"));
    }

    fn failed(&self, reason: &str) {
        self.ui.warning(reason);
    }
}
