//! `StageNameCasing`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "StageNameCasing",
    description: "Stage names are written in lower case.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let names = subject.file.stages.iter().filter_map(|stage| stage.name.as_ref());
    names
        .filter(|name| name.as_str() != name.written().as_str())
        .map(|name| {
            let message = format!("stage name `{}` is not in lower case", name.written().value);
            Found::new(name.written().span, message).with_hint(format!("write `{}`", name.as_str()))
        })
        .collect()
}
