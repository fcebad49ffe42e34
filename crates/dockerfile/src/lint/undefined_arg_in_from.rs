//! `UndefinedArgInFrom`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "UndefinedArgInFrom",
    description: "Variables in `FROM` are declared by an `ARG` before it.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        for word in Some(&stage.image).into_iter().chain(&stage.platform) {
            for name in subject.globals.undeclared(word) {
                let message = format!("`{name}` is not declared before the first `FROM`");
                let hint = match subject.globals.meant(&name) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare it with `ARG {name}`"),
                };
                found.push(Found::new(word.span(), message).with_hint(hint));
            }
        }
    }
    found
}
