//! `ReservedStageName`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "ReservedStageName",
    description: "No stage is called `scratch` or `context`.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let names = subject.file.stages.iter().filter_map(|stage| stage.name.as_ref());
    names
        .filter(|name| matches!(name.as_str(), "scratch" | "context"))
        .map(|name| {
            Found::new(name.written().span, format!("`{}` is a reserved name", name.as_str()))
        })
        .collect()
}
