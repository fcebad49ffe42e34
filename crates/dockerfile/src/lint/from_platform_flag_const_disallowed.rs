//! `FromPlatformFlagConstDisallowed`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    description: "`--platform` of `FROM` is a variable, not one platform for ever.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for stage in &subject.file.stages {
        let Some(word) = stage.platform.as_ref().filter(|word| !word.raw().contains('$')) else {
            continue;
        };
        // A stage called `build-arm64` means it.
        let name = stage.name.as_ref().map_or("", |name| name.as_str());
        if parts(word.raw()).into_iter().flatten().any(|part| name.contains(part)) {
            continue;
        }
        let message = format!("the platform is always `{}`", word.raw());
        let hint = "use `--platform=$BUILDPLATFORM`, or choose the platform when building";
        found.push(Found::new(word.span(), message).with_hint(hint));
    }
    found
}

/// Returns the operating system and the architecture by their usual names, as containerd/platforms reads them.
fn parts(platform: &str) -> [Option<&str>; 2] {
    let mut parts = platform.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next()) {
        (Some(alone), None) if is_system(alone) => [Some(alone), None],
        (Some(alone), None) => [Some("linux"), Some(architecture(alone))],
        (system, machine) => [system, machine.map(architecture)],
    }
}

fn is_system(name: &str) -> bool {
    matches!(name, "linux" | "windows" | "darwin" | "macos" | "freebsd" | "wasip1")
}

fn architecture(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "armhf" | "armel" => "arm",
        "i386" | "i686" => "386",
        other => other,
    }
}
