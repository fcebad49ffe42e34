//! Which image: pinned already, or resolved to a digest by its registry.

use notes_console::{Failure, Kind, Session, environment};
use notes_oci::{Pinned, Reference, Registry, Tag};
use notes_registry::{Mirror, Options, Remote};
use tokio::io::AsyncReadExt as _;

use crate::{cli::DeployArguments, failure, project::Commit, settings::DeploySettings};

/// A pinned reference is a line; a megabyte of something else is a mistake.
const LONGEST_INPUT: u64 = 4096;

/// What names the image.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// It cannot change.
    Pinned(Pinned),
    /// The registry says what it is now.
    Tagged(Reference),
}

/// Finds the image to deploy: the flag's, the one an earlier job handed over, or that of the commit.
pub(crate) async fn resolve(
    session: &Session,
    arguments: &DeployArguments,
    settings: &DeploySettings,
    commit: Result<&Commit, &Failure>,
) -> Result<Pinned, Failure> {
    let tag = commit.map(|commit| commit.tag.as_str());
    let handed_over = session.environment.value(environment::NOTES_BUILD_REF);
    let choice = match (arguments.image.as_deref(), handed_over) {
        (Some("-"), _) => Choice::Pinned(from_stdin().await?),
        (Some(image), _) => choose(image, tag)?,
        (None, Some(pinned)) => Choice::Pinned(pinned.parse().map_err(failure::reference)?),
        (None, None) => match &settings.app.image.value {
            Some(image) => choose(image, tag)?,
            None => return Err(no_image()),
        },
    };
    match choice {
        Choice::Pinned(pinned) => Ok(pinned),
        Choice::Tagged(reference) => ask(session, settings, &reference).await,
    }
}

/// Reads what is written: a digest pins, a tag is asked for, and a bare repository has the commit's tag.
fn choose(image: &str, tag: Result<&str, &Failure>) -> Result<Choice, Failure> {
    let reference: Reference = image.parse().map_err(failure::reference)?;
    if reference.digest.is_some() {
        return reference.try_into().map(Choice::Pinned).map_err(failure::reference);
    }
    // `host:port/name` has a colon too; what a tag would follow is behind the last slash.
    if image.rsplit('/').next().is_some_and(|last| last.contains(':')) {
        return Ok(Choice::Tagged(reference));
    }
    let tag = tag.map_err(|cause| {
        Failure::message(
            Kind::Configuration,
            format!("`{image}` has no tag, and there is no commit to tell it: {cause}"),
        )
        .with_hint("name the image as `--image name@sha256:…` or `--image name:tag`")
    })?;
    let tag: Tag = tag.parse().map_err(failure::reference)?;
    Ok(Choice::Tagged(reference.with_tag(tag)))
}

/// Reads the one line that `notes-build` prints.
async fn from_stdin() -> Result<Pinned, Failure> {
    let mut text = String::new();
    tokio::io::stdin()
        .take(LONGEST_INPUT)
        .read_to_string(&mut text)
        .await
        .map_err(|error| Failure::new(Kind::Configuration, error))?;
    if text.trim().is_empty() {
        return Err(Failure::message(Kind::Configuration, "there is no image on stdin")
            .with_hint("did the build before the pipe fail? `set -o pipefail` shows it"));
    }
    text.trim().parse().map_err(failure::reference)
}

/// Asks the registry which image a tag is now.
async fn ask(
    session: &Session,
    settings: &DeploySettings,
    reference: &Reference,
) -> Result<Pinned, Failure> {
    let environment: notes_registry::Environment = session.environment.iter().collect();
    let mirrors = settings.mirrors.value.0.iter().map(|text| text.parse::<Mirror>());
    let plain_http = settings.insecure.value.0.iter().map(|text| text.parse::<Registry>());
    let options = Options {
        mirrors: mirrors.collect::<Result<_, _>>().map_err(failure::mirror)?,
        plain_http: plain_http.collect::<Result<_, _>>().map_err(failure::reference)?,
        ..Options::from_environment(&environment)
    };
    let remote = Remote::new(options).map_err(failure::transport)?;
    let pinned = remote.resolve(reference).await.map_err(failure::pull)?;
    session.ui.step("Resolved", format_args!("{reference} to {}", pinned.digest));
    Ok(pinned)
}

fn no_image() -> Failure {
    Failure::message(Kind::Configuration, "there is no image to deploy")
        .with_hint("set `image` in notes.toml, `--image` or `NOTES_IMAGE`, or pipe it: `notes-build | notes-deploy --image -`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_pins_and_a_bare_name_has_the_commit_s_tag() {
        let tagged = |text: &str| Choice::Tagged(text.parse().unwrap());
        let choose = |text: &str| choose(text, Ok("a3f92bd")).unwrap();
        assert_eq!(choose("127.0.0.1:5000/app"), tagged("127.0.0.1:5000/app:a3f92bd"));
        assert_eq!(choose("user/app:v1"), tagged("user/app:v1"));
        let pinned = format!("user/app@{}", notes_oci::Digest::of(b"{}"));
        assert_eq!(choose(&pinned), Choice::Pinned(pinned.parse().unwrap()));
        let none = Failure::message(Kind::Configuration, "no repository");
        assert_eq!(super::choose("user/app", Err(&none)).unwrap_err().kind(), Kind::Configuration);
    }
}
