//! `UndefinedVar`.

use std::collections::BTreeSet;

use super::scope::{self, Scope};
use super::{Found, Rule, Status, Subject};
use crate::Word;
use crate::suggestion::nearest;

pub(super) const RULE: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables are set before they are used.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let globals = scope::global_names(subject.file);
    let mut found = Vec::new();
    let mut ends: Vec<Scope> = Vec::new();
    for (stage, parent) in subject.file.stages.iter().zip(&subject.parents) {
        let mut scope = match parent {
            Some(parent) => ends[*parent].clone(),
            None => Scope::of_base(subject, stage),
        };
        for statement in &stage.statements {
            for word in statement.instruction.words() {
                for name in scope::undefined(word, &scope.names) {
                    found.extend(judge(&name, word, &scope, &globals));
                }
            }
            scope.add(statement);
        }
        ends.push(scope);
    }
    found
}

/// The base image may set what looks unset; without knowing it, only what is certain or likely is reported.
fn judge(name: &str, word: &Word, scope: &Scope, globals: &BTreeSet<String>) -> Option<Found> {
    let found = Found::new(word.span(), format!("`{name}` is not set here"));
    if globals.contains(name) {
        return Some(
            found.with_hint(format!("`ARG {name}` in this stage brings in the global one")),
        );
    }
    match nearest(name, scope.names.iter().map(String::as_str)) {
        Some(near) => Some(found.with_hint(format!("did you mean `{near}`?"))),
        None => scope.complete.then_some(found),
    }
}
