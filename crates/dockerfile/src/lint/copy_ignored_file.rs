//! `CopyIgnoredFile`.

use super::{Found, Rule, Status, Subject};
use crate::{CopySource, Instruction, Wildcard};

pub(super) const RULE: Rule = Rule {
    name: "CopyIgnoredFile",
    description: "What is copied is not in `.dockerignore`.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let ignore = subject.options.ignore.as_ref().filter(|ignore| !ignore.has_exceptions());
    let Some(ignore) = ignore else { return Vec::new() };
    let mut found = Vec::new();
    for statement in subject.statements() {
        let sources = match &statement.instruction {
            Instruction::Add(add) => &add.sources,
            Instruction::Copy(copy) if copy.from.is_none() => &copy.sources,
            _ => continue,
        };
        for source in sources {
            let CopySource::Path(word) = source else { continue };
            let path = word.raw().trim_start_matches("./").trim_matches('/');
            if !word.is_literal() || Wildcard::is_special(path) || path.contains("://") {
                continue;
            }
            if let Some(rule) = ignore.excludes(path) {
                let message = format!("`{path}` is excluded by `.dockerignore`");
                let hint = format!("line {} of it says `{}`", rule.line, rule.pattern);
                found.push(Found::new(word.span(), message).with_hint(hint));
            }
        }
    }
    found
}
