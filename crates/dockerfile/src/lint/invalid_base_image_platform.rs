//! `InvalidBaseImagePlatform`.

use super::{Found, Judge, Rule, Status, Subject};

pub(super) const RULE: Rule = Rule {
    name: "InvalidBaseImagePlatform",
    description: "A base image is for the platform that is built.",
    status: Status::Standard,
    check: Judge::File(check),
};

/// Looks only at stages whose base image the caller knows.
fn check(subject: &Subject<'_>) -> Vec<Found> {
    let known = subject
        .file
        .stages
        .iter()
        .filter_map(|stage| Some((stage, subject.options.bases.get(&stage.index)?)));
    known
        .filter(|(_, base)| machine(&base.platform) != machine(&base.wanted))
        .map(|(stage, base)| {
            let (platform, wanted) = (&base.platform, &base.wanted);
            let image = stage.image.raw();
            let message = format!("`{image}` is for `{platform}`, and `{wanted}` is wanted");
            Found::new(stage.image.span(), message)
                .with_hint("name an image for that platform, or say `--platform` in `FROM`")
        })
        .collect()
}

/// The operating system and the architecture; a variant may differ.
fn machine(platform: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = platform.split('/');
    (parts.next(), parts.next())
}
