//! `FromPlatformFlagConstDisallowed`.

use super::{Found, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    description: "`--platform` of `FROM` is a variable, not one platform for ever.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let Some(word) = stage.platform.as_ref().filter(|word| !word.raw().contains('$')) else {
            continue;
        };
        // A stage called `build-arm64` means it.
        let name = stage.name.as_ref().map_or("", |name| name.as_str());
        if word.raw().split('/').any(|part| !part.is_empty() && name.contains(part)) {
            continue;
        }
        let message = format!("the platform is always `{}`", word.raw());
        let hint = "use `--platform=$BUILDPLATFORM`, or choose the platform when building";
        found.push(Found::new(word.span(), message).with_hint(hint));
    }
    found
}
