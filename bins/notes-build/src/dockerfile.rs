//! Finding and reading the Dockerfile, and what its plan depends on.

use notes_console::{Environment, Failure, Kind};
use notes_image::plan;

use crate::{project::Project, settings::Settings};

/// Variables that reach a build without being asked for: proxies, as docker passes them on (docker docs, "Predefined
/// ARGs"). They are in no cache key and in no image.
const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// The `ARG` that is the id of the commit where a Dockerfile declares it, whatever its default. A name of our own: what others
/// are in use for this (`GIT_COMMIT`, `VCS_REF`) also name commits of other repositories, which a build then fetches.
const COMMIT: &str = "NOTES_COMMIT";

/// Returns the Dockerfile's name and text.
pub(crate) fn read(project: &Project, settings: &Settings) -> Result<(String, String), Failure> {
    let path = &settings.dockerfile.value;
    let name = path.display().to_string();
    if let Some(text) = project.read(path)? {
        return Ok((name, text));
    }
    let hint = if project.is_only_on_disk(path) {
        format!(
            "`{name}` is in the working directory but not committed; commit it, or build with `--worktree`"
        )
    } else {
        "name another with `--file`, or `dockerfile` in notes.toml".into()
    };
    let message = format!("there is no `{name}` in {}", project.source());
    Err(Failure::message(Kind::Configuration, message).with_hint(hint))
}

/// Returns what the plan depends on beside the text.
pub(crate) fn plan_options(
    settings: &Settings,
    environment: &Environment,
    commit: String,
) -> plan::Options {
    let mut arguments = settings.arguments.value.0.clone();
    for name in PROXIES {
        for name in [name.to_owned(), name.to_lowercase()] {
            if let Some(value) = environment.named(&name) {
                arguments.entry(name).or_insert_with(|| value.into());
            }
        }
    }
    plan::Options {
        target: settings.target.value.clone(),
        arguments,
        offers: [(COMMIT.to_owned(), commit)].into(),
        platform: settings.platform.value.clone(),
        ..plan::Options::default()
    }
}
