//! `RedundantTargetPlatform`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::Word;

pub(super) const RULE: Rule = Rule {
    name: "RedundantTargetPlatform",
    description: "`--platform=$TARGETPLATFORM` is left out: it is the default.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let platforms = subject.file.stages.iter().filter_map(|stage| stage.platform.as_ref());
    platforms
        .filter(|word| is_target(word))
        .map(|word| {
            Found::new(word.span(), "the target platform is the default")
                .with_hint("delete the flag")
        })
        .collect()
}

/// Whether the word is the target platform and nothing else, however it is written.
fn is_target(word: &Word) -> bool {
    let target = |name: &str| (name == "TARGETPLATFORM").then(|| "\0target".to_owned());
    word.expand_fully(&target)
        .is_ok_and(|expanded| expanded.text == "\0target" && expanded.unset.is_empty())
}
