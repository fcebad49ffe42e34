//! `FromAsCasing`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "FromAsCasing",
    description: "`AS` is written in the same case as its `FROM`.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let Some(word) = &stage.as_keyword else { continue };
        let from = stage.keyword.as_str();
        let expected = if from == from.to_uppercase() {
            "AS"
        } else if from == from.to_lowercase() {
            "as"
        } else {
            continue;
        };
        if word.as_str() != expected {
            let message = format!("`{}` and `{from}` differ in case", word.value);
            found.push(Found::new(word.span, message).with_hint(format!("write `{expected}`")));
        }
    }
    found
}
