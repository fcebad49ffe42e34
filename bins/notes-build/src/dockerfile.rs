//! Reading the Dockerfile, and what its plan depends on.

use std::{
    fmt, fs,
    io::{self, IsTerminal as _, Read as _},
    path::PathBuf,
};

use notes_console::{Environment, Failure, Kind, settings::Origin};
use notes_image::plan;
use notes_oci::Platform;

use crate::{contexts::Contexts, failure, project::Project, settings::Settings};

/// Variables that reach a build without being asked for: proxies, as docker passes them on (docker docs, "Predefined
/// ARGs"). They are in no cache key and in no image.
const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// The `ARG` that is the id of the commit where a Dockerfile declares it, whatever its default. A name of our own: what others
/// are in use for this (`GIT_COMMIT`, `VCS_REF`) also name commits of other repositories, which a build then fetches.
const COMMIT: &str = "NOTES_COMMIT";

/// Where the Dockerfile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In the repository, by its path below the root: in the commit, or in the working directory.
    Project(PathBuf),
    /// A file of this machine.
    Outside(PathBuf),
    /// Written to the standard input.
    Stdin,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(path) | Self::Outside(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}

/// Returns the Dockerfile's text.
pub(crate) fn read(project: &Project, location: &Location) -> Result<String, Failure> {
    let bytes = match location {
        Location::Project(path) => {
            return project.read(path)?.ok_or_else(|| missing(project, path));
        }
        Location::Outside(path) => fs::read(path).map_err(|error| failure::path(path, error))?,
        Location::Stdin if io::stdin().is_terminal() => {
            return Err(Failure::message(Kind::Usage, "the Dockerfile was to be on stdin")
                .with_hint("write `notes-build --file - < FILE`, or pipe it in"));
        }
        Location::Stdin => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| Failure::new(Kind::Internal, error))?;
            bytes
        }
    };
    String::from_utf8(bytes).map_err(|_| {
        Failure::message(Kind::Configuration, format!("`{location}` is not UTF-8 text"))
    })
}

fn missing(project: &Project, path: &std::path::Path) -> Failure {
    let name = path.display();
    let hint = if project.is_only_on_disk(path) {
        format!(
            "`{name}` is in the working directory but not committed; commit it, or build with `--worktree`"
        )
    } else {
        "name another with `--file`, or `dockerfile` in notes.toml".into()
    };
    let message = format!("there is no `{name}` in {}", project.source());
    Failure::message(Kind::Configuration, message).with_hint(hint)
}

/// Returns what the plan for one platform depends on beside the text.
pub(crate) fn plan_options(
    settings: &Settings,
    environment: &Environment,
    contexts: &Contexts,
    platform: &Platform,
    commit: &str,
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
        offers: [(COMMIT.to_owned(), commit.to_owned())].into(),
        platform: platform.clone(),
        chooser: match settings.platforms.origin {
            Origin::Default => plan::Chooser::Nobody,
            _ => plan::Chooser::Caller,
        },
        contexts: contexts.plan.clone(),
    }
}
