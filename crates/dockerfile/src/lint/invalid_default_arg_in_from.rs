//! `InvalidDefaultArgInFrom`.

use super::scope;
use super::{Found, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    description: "`FROM` names an image even when no build argument is given.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let defaults = scope::global_defaults(subject.file);
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let word = &stage.image;
        if word.is_literal()
            || !scope::undefined(word, &scope::global_names(subject.file)).is_empty()
        {
            continue;
        }
        let Ok(image) = word.expand(&defaults) else { continue };
        if !is_plausible(&image) {
            let message = format!(
                "with the default values, `{}` is `{image}`, which is no image",
                word.raw()
            );
            found
                .push(Found::new(word.span(), message).with_hint("give the `ARG` a default value"));
        }
    }
    found
}

/// Whether every part of an image name has something in it. The full grammar is the engine's.
fn is_plausible(image: &str) -> bool {
    let (rest, digest) = image.split_once('@').unwrap_or((image, "sha256:"));
    let last = rest.rsplit_once('/').map_or(rest, |(_, last)| last);
    let tag_is_there =
        last.split_once(':').is_none_or(|(name, tag)| !name.is_empty() && !tag.is_empty());
    let characters =
        |character: char| character.is_ascii_alphanumeric() || "._-/:".contains(character);
    !rest.is_empty()
        && tag_is_there
        && digest.contains(':')
        && rest.split('/').all(|part| !part.is_empty())
        && rest.chars().all(characters)
}
