//! Images that do not arrive.

use super::{Cause, Diagnosis, Grade, Subject};

pub(super) fn diagnose(subject: &Subject<'_>) -> Option<Diagnosis> {
    let (reason, message) = subject.waiting()?;
    let image = subject.status["image"].as_str().unwrap_or_default();
    match reason {
        "InvalidImageName" => Some(
            subject
                .diagnosis(Cause::ImageNameInvalid, Grade::Certain, format!("`{image}` is not an image name"))
                .with_evidence([message])
                .with_hint("a name reads `registry/repository:tag`, the repository in lower case".to_owned()),
        ),
        "ErrImageNeverPull" => Some(
            subject
                .diagnosis(
                    Cause::ImageNeverPulled,
                    Grade::Certain,
                    format!("`{image}` is not on the node, and `imagePullPolicy: Never` forbids to pull it"),
                )
                .with_hint("take `imagePullPolicy` out of the manifest".to_owned()),
        ),
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => {
            Some(pull_failed(subject, image, &text(subject, reason, message)))
        }
        _ => None,
    }
}

/// Returns the runtime's words. A container that backs off hides them (krane#124); the event keeps them.
fn text(subject: &Subject<'_>, reason: &str, message: &str) -> String {
    let event = || {
        subject
            .scene
            .events
            .newest(subject.pod.uid(), "Failed", "Failed to pull image")
            .map(Into::into)
    };
    if reason == "ErrImagePull" {
        message.to_owned()
    } else {
        event().unwrap_or_else(|| message.to_owned())
    }
}

/// Why an image did not come, as the runtime's words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Limited,
    Denied,
    OtherPlatform,
    NotFound,
    Unreachable,
    Unknown,
}

/// What the runtime and the registries write, the most telling first: many add "not found" to other reasons.
const WORDS: [(Refusal, &[&str]); 5] = [
    (Refusal::Limited, &["toomanyrequests", "429 too many requests", "rate limit"]),
    // Docker Hub answers "denied" for a repository that does not exist and for a private one alike.
    (
        Refusal::Denied,
        &["unauthorized", "denied", "forbidden", "authentication required", "insufficient_scope"],
    ),
    (Refusal::OtherPlatform, &["no match for platform", "no matching manifest"]),
    (Refusal::NotFound, &["not found", "manifest unknown", "name unknown", "does not exist"]),
    (
        Refusal::Unreachable,
        &[
            "connection refused",
            "timeout",
            "no such host",
            "deadline exceeded",
            "i/o",
            "eof",
            "unavailable",
            "unreachable",
            "lookup ",
            "500 internal server error",
            "502 bad gateway",
            "504 gateway",
            "connection reset",
            "x509",
        ],
    ),
];

fn refusal(image: &str, text: &str) -> Refusal {
    // Names and ports are nobody's words: `denied-list` is a repository, 42917 a port.
    let lower = text.to_lowercase().replace(&image.to_lowercase(), "");
    let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word)));
    found.map_or(Refusal::Unknown, |(refusal, _)| *refusal)
}

/// Tells whether the runtime's words mean that waiting brings no image: there is none, or not for this node.
pub(crate) fn is_image_lost(image: &str, text: &str) -> bool {
    matches!(refusal(image, text), Refusal::Denied | Refusal::OtherPlatform | Refusal::NotFound)
}

fn pull_failed(subject: &Subject<'_>, image: &str, text: &str) -> Diagnosis {
    let (cause, grade, summary, hint) = match refusal(image, text) {
        Refusal::Limited => (
            Cause::ImageRateLimited,
            Grade::probable(90),
            format!("the registry limits how often `{image}` may be pulled"),
            Some("pull with an account: name a secret in `imagePullSecrets`".to_owned()),
        ),
        Refusal::Denied => (
            Cause::ImagePullDenied,
            Grade::Certain,
            format!("the registry does not let the node pull `{image}`"),
            Some(credentials_hint(subject)),
        ),
        Refusal::OtherPlatform => (
            Cause::WrongPlatform,
            Grade::Certain,
            format!("`{image}` is not made for the node's platform"),
            Some("build it for the node's platform".into()),
        ),
        Refusal::NotFound => (
            Cause::ImageNotFound,
            Grade::Certain,
            format!("the registry has no `{image}`"),
            Some("was it pushed, and to this registry?".into()),
        ),
        Refusal::Unreachable => (
            Cause::RegistryUnreachable,
            Grade::probable(60),
            format!("the node cannot fetch `{image}` from the registry"),
            Some("can the node reach the registry under this name?".into()),
        ),
        Refusal::Unknown => (
            Cause::ImagePullFailed,
            Grade::probable(45),
            format!("`{image}` cannot be pulled"),
            None,
        ),
    };
    subject.diagnosis(cause, grade, summary).with_evidence([text]).with_hint(hint)
}

fn credentials_hint(subject: &Subject<'_>) -> String {
    let secrets: Vec<&str> = subject
        .pod
        .list("/spec/imagePullSecrets")
        .iter()
        .filter_map(|secret| secret["name"].as_str())
        .collect();
    if secrets.is_empty() {
        "name a secret with the registry's credentials in `imagePullSecrets`; is the repository's name right?".into()
    } else {
        format!(
            "do the credentials in {} reach this repository? is its name right?",
            secrets.join(", ")
        )
    }
}
