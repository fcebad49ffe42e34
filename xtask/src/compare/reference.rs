//! The builders that ours is compared with, from Debian's packages in a root directory of their own.

mod buildah;
mod buildkit;
mod daemon;
mod root;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::Output,
};

use serde::Deserialize;

use super::workspace::Workspace;

pub(crate) use buildah::{Buildah, limits};
pub(crate) use buildkit::Buildkit;
pub(crate) use daemon::Daemon;
pub(crate) use root::{Network, Root, RootError};

/// The builders there are to compare with.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Builder {
    /// `BuildKit`, in docker's daemon: what defines the language.
    Buildkit,
    /// buildah, which is an implementation of its own.
    Buildah,
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buildkit => "buildkit",
            Self::Buildah => "buildah",
        })
    }
}

/// What became of a build.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An image, in an archive as docker writes them.
    Image(PathBuf),
    /// An error, with the builder's last words.
    Refused(String),
}

/// A builder that runs.
pub(crate) trait Reference: Sync {
    /// Returns which one it is.
    fn builder(&self) -> Builder;
    /// Returns its version.
    fn version(&self) -> io::Result<String>;
    /// Takes a base image from an archive, under the name that the archive gives it.
    fn load(&self, archive: &Path) -> io::Result<()>;
    /// Builds a fixture of `workspace`.
    fn build(
        &self,
        workspace: &Workspace,
        fixture: &super::fixture::Fixture,
    ) -> io::Result<Outcome>;
}

/// The image in `archive` where the program succeeded, else what it said last.
pub(crate) fn outcome(output: &Output, archive: PathBuf) -> Outcome {
    if output.status.success() {
        return Outcome::Image(archive);
    }
    Outcome::Refused(last_words(output))
}

/// Fails with what a program said last, unless it succeeded.
pub(crate) fn succeeded(output: Output) -> io::Result<Output> {
    if output.status.success() { Ok(output) } else { Err(io::Error::other(last_words(&output))) }
}

/// What a builder gives as the reason, or else its last lines.
fn last_words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let reason = lines.iter().rfind(|line| line.to_lowercase().starts_with("error: "));
    match reason {
        Some(reason) => (*reason).to_owned(),
        None => lines[lines.len().saturating_sub(3)..].join(" / "),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn refused(stderr: &str) -> String {
        let status = std::process::ExitStatus::from_raw(256);
        last_words(&Output { status, stdout: Vec::new(), stderr: stderr.into() })
    }

    #[test]
    fn the_reason_is_the_last_line_that_says_error_or_else_the_last_lines() {
        assert_eq!(
            refused("step\nERROR: failed to solve\n --> line 3\n"),
            "ERROR: failed to solve"
        );
        assert_eq!(refused("1\n2\n\n3\n4\n"), "2 / 3 / 4");
    }
}
