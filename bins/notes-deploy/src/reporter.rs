//! One line per change, on stderr.

use notes_console::Ui;
use notes_k8s_deploy::{
    ObjectId, Reporter, Verdict,
    apply::Change,
    diagnosis::{Diagnosis, Grade},
    port_forward,
};

use crate::failure;

/// Tells a person what happens.
pub(crate) struct Lines(pub(crate) Ui);

impl Reporter for Lines {
    fn applied(&self, object: &ObjectId, change: Change) {
        let verb = match change {
            Change::Created => "Created",
            Change::Configured => "Configured",
            Change::Unchanged => "Unchanged",
        };
        match &object.namespace {
            Some(namespace) => self.0.step(verb, format_args!("{object} in {namespace}")),
            None => self.0.step(verb, object),
        }
    }

    fn judged(&self, object: &ObjectId, verdict: &Verdict) {
        let message = verdict.message();
        let verb = match verdict {
            Verdict::Progressing { .. } => "Rollout",
            Verdict::Complete { .. } => "Complete",
            Verdict::Failed { .. } => "Failed",
        };
        // kubectl's sentences name their object for some kinds only.
        if message.contains(&object.name) {
            self.0.step(verb, message);
        } else {
            self.0.step(verb, format_args!("{object}: {message}"));
        }
    }

    fn observed(&self, diagnosis: &Diagnosis) {
        let text = failure::describe(diagnosis);
        match diagnosis.grade {
            Grade::Certain => {}
            Grade::Probable { grace } => {
                self.0.warning(format_args!("{text} (for at most {} s more)", grace.as_secs()));
            }
            Grade::Transient => self.0.step("Noticed", text),
        }
    }

    fn warned(&self, text: &str) {
        self.0.warning(text);
    }
}

impl port_forward::Reporter for Lines {
    fn connected(&self, pod: &str) {
        self.0.detail(format_args!("connection to pod/{pod}"));
    }

    fn failed(&self, reason: &str) {
        self.0.warning(reason);
    }
}
