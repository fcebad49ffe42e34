//! `ExposeProtoCasing`.

use super::{Found, Rule, Status, Subject};
use crate::Instruction;

pub(super) const RULE: Rule = Rule {
    name: "ExposeProtoCasing",
    description: "Protocols of `EXPOSE` are written in lower case.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in subject.statements() {
        let Instruction::Expose(expose) = &statement.instruction else { continue };
        for word in expose.ports.iter().filter(|word| word.is_literal()) {
            let protocol = word.raw().split_once('/').map_or("", |(_, protocol)| protocol);
            let lower = protocol.to_lowercase();
            if lower != protocol {
                let message = format!("protocol `{protocol}` is not in lower case");
                found.push(Found::new(word.span(), message).with_hint(format!("write `{lower}`")));
            }
        }
    }
    found
}
