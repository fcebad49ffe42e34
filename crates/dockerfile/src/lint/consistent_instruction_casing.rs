//! `ConsistentInstructionCasing`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::Spanned;

pub(super) const RULE: Rule = Rule {
    name: "ConsistentInstructionCasing",
    description: "All instructions are written in the same case.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    // What stands before the first `FROM` neither counts nor is judged, as in BuildKit's `validateCommandCasing`.
    let keywords: Vec<&Spanned<String>> = subject
        .file
        .stages
        .iter()
        .flat_map(|stage| {
            let below = stage.statements.iter().map(|below| &below.keyword);
            Some(&stage.keyword).into_iter().chain(below)
        })
        .collect();
    // A keyword is ASCII.
    let is_lower = |word: &str| !word.bytes().any(|letter| letter.is_ascii_uppercase());
    let is_upper = |word: &str| !word.bytes().any(|letter| letter.is_ascii_lowercase());
    let lower = keywords.iter().filter(|word| is_lower(word)).count();
    let upper = keywords.iter().filter(|word| is_upper(word)).count();
    let fits = |word: &str| if lower > upper { is_lower(word) } else { is_upper(word) };
    let expected =
        |word: &str| if lower > upper { word.to_lowercase() } else { word.to_uppercase() };
    keywords
        .into_iter()
        .filter(|word| !fits(word))
        .map(|word| {
            let message = format!("`{}` is not in the case of the other instructions", word.value);
            Found::new(word.span, message).with_hint(format!("write `{}`", expected(word)))
        })
        .collect()
}
