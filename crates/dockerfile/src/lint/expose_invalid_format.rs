//! `ExposeInvalidFormat`.

use super::{Found, Rule, Status, Subject};
use crate::Instruction;

pub(super) const RULE: Rule = Rule {
    name: "ExposeInvalidFormat",
    description: "`EXPOSE` names container ports, neither addresses nor host ports.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in subject.statements() {
        let Instruction::Expose(expose) = &statement.instruction else { continue };
        for word in expose.ports.iter().filter(|word| word.is_literal()) {
            if let Some((_, port)) = word.raw().rsplit_once(':') {
                let message = format!("`{}` names more than a container port", word.raw());
                found.push(Found::new(word.span(), message).with_hint(format!("write `{port}`")));
            }
        }
    }
    found
}
