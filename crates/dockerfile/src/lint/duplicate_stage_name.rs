//! `DuplicateStageName`.

use std::collections::BTreeSet;

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "DuplicateStageName",
    description: "Every stage has a name of its own.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let names = subject.file.stages.iter().filter_map(|stage| stage.name.as_ref());
    names
        .filter(|name| !seen.insert(name.as_str()))
        .map(|name| {
            let message = format!("an earlier stage is called `{}` too", name.as_str());
            Found::new(name.written().span, message)
        })
        .collect()
}
