//! The clients that push and pull.

use std::{
    fmt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::Result;
use crate::{compare::succeeded, program};

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Notes,
    Skopeo,
}

impl Client {
    pub(super) const ALL: [Self; 2] = [Self::Notes, Self::Skopeo];

    /// Returns the command that pushes the image of a layout.
    pub(super) fn push(self, examples: &Path, layout: &Path, name: &str) -> Command {
        match self {
            Self::Notes => {
                let mut push = Command::new(examples.join("push_image"));
                push.arg(layout).args([super::image::NAME, name]);
                push
            }
            Self::Skopeo => {
                let mut copy = skopeo();
                copy.arg("--dest-tls-verify=false");
                copy.arg(format!("oci:{}", layout.display())).arg(format!("docker://{name}"));
                copy
            }
        }
    }

    /// Returns the command that pulls an image to a layout.
    pub(super) fn pull(self, examples: &Path, name: &str, layout: &Path) -> Command {
        match self {
            Self::Notes => {
                let mut pull = Command::new(examples.join("pull_image"));
                pull.arg(name).arg(layout);
                pull
            }
            Self::Skopeo => {
                let mut copy = skopeo();
                copy.arg("--src-tls-verify=false");
                copy.arg(format!("docker://{name}")).arg(format!("oci:{}", layout.display()));
                copy
            }
        }
    }
}

/// The bytes as they are: no layer is compressed on the way.
fn skopeo() -> Command {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--preserve-digests"]);
    skopeo
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Notes => "notes",
            Self::Skopeo => "skopeo",
        })
    }
}

/// Runs a command to its end and returns how long it took.
pub(super) fn time(mut command: Command) -> Result<Duration> {
    command.stdin(Stdio::null());
    let started = Instant::now();
    let ended = command.output().and_then(succeeded);
    let time = started.elapsed();
    match ended {
        Ok(_) => Ok(time),
        Err(error) => Err(format!("`{}` failed: {error}", program::line(&command)).into()),
    }
}
