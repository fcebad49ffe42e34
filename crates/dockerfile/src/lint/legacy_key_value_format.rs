//! `LegacyKeyValueFormat`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::{Instruction, KeyValueForm};

pub(super) const RULE: Rule = Rule {
    name: "LegacyKeyValueFormat",
    description: "`ENV` and `LABEL` are written `key=value`.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in subject.statements() {
        let (pairs, form) = match &statement.instruction {
            Instruction::Env(env) => (&env.pairs, env.form),
            Instruction::Label(label) => (&label.pairs, label.form),
            _ => continue,
        };
        if let ([pair], KeyValueForm::Legacy) = (&pairs[..], form) {
            let name = statement.instruction.name();
            let (key, value) = (pair.key.raw(), pair.value.raw());
            let message = format!("`{name} key value` is a legacy form");
            let hint = format!("write `{name} {key}=\"{value}\"`");
            found.push(Found::new(statement.span, message).with_hint(hint));
        }
    }
    found
}
