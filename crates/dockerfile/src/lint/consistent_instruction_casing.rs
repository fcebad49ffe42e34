//! `ConsistentInstructionCasing`.

use super::{Found, Rule, Status, Subject};
use crate::Spanned;

pub(super) const RULE: Rule = Rule {
    name: "ConsistentInstructionCasing",
    description: "All instructions are written in the same case.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let keywords: Vec<&Spanned<String>> = subject
        .file
        .arguments
        .iter()
        .map(|argument| &argument.keyword)
        .chain(subject.file.stages.iter().flat_map(|stage| {
            Some(&stage.keyword)
                .into_iter()
                .chain(stage.statements.iter().map(|below| &below.keyword))
        }))
        .collect();
    let lower = keywords.iter().filter(|word| word.value == word.to_lowercase()).count();
    let upper = keywords.iter().filter(|word| word.value == word.to_uppercase()).count();
    let expected =
        |word: &str| if lower > upper { word.to_lowercase() } else { word.to_uppercase() };
    keywords
        .into_iter()
        .filter(|word| word.value != expected(word))
        .map(|word| {
            let message = format!("`{}` is not in the case of the other instructions", word.value);
            Found::new(word.span, message).with_hint(format!("write `{}`", expected(word)))
        })
        .collect()
}
