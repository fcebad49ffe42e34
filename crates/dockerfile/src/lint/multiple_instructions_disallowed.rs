//! `MultipleInstructionsDisallowed`.

use std::collections::BTreeSet;

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "MultipleInstructionsDisallowed",
    description: "A stage has one `CMD`, one `ENTRYPOINT` and one `HEALTHCHECK`.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let mut seen = BTreeSet::new();
        // Backwards: the last one counts, the earlier ones are reported.
        for statement in stage.statements.iter().rev() {
            let name = statement.instruction.name();
            let single = matches!(name, "CMD" | "ENTRYPOINT" | "HEALTHCHECK");
            if single && !seen.insert(name) {
                let message = format!("a later `{name}` of this stage replaces this one");
                found.push(Found::new(statement.span, message));
            }
        }
    }
    found
}
