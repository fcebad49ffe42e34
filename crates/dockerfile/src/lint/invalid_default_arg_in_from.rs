//! `InvalidDefaultArgInFrom`.

use super::{Found, Judge, Rule, Status, Subject, image_name};

pub(super) const RULE: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    description: "`FROM` names an image even when no build argument is given.",
    status: Status::Standard,
    check: Judge::File(check),
};

/// A name without variables is the build's to judge: it is wrong with every argument, or a stage.
fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let word = &stage.image;
        if word.is_literal() {
            continue;
        }
        let Some(image) = subject.globals.text(word).map(|expanded| expanded.text) else {
            continue;
        };
        if subject.parents[stage.index].is_none() && !image_name::is_valid(&image) {
            let written = word.raw();
            let message =
                format!("with the default values, `{written}` is `{image}`, which is no image");
            let hint = "give the `ARG` a default value";
            found.push(Found::new(word.span(), message).with_hint(hint));
        }
    }
    found
}
