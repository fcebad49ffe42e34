//! `RedundantTargetPlatform`.

use super::{Found, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "RedundantTargetPlatform",
    description: "`--platform=$TARGETPLATFORM` is left out: it is the default.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let platforms = subject.file.stages.iter().filter_map(|stage| stage.platform.as_ref());
    platforms
        .filter(|word| matches!(word.raw(), "$TARGETPLATFORM" | "${TARGETPLATFORM}"))
        .map(|word| {
            Found::new(word.span(), "the target platform is the default")
                .with_hint("delete the flag")
        })
        .collect()
}
