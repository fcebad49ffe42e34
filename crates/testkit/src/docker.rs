//! Docker for tests: the engine that runs, else Debian's for the time of the tests.
//!
//! A test takes the engine that docker's own client would, with [`Engine::running`]: the one that `DOCKER_HOST` names, or the
//! machine's. Where none answers, `cargo xtask test` and `cargo xtask docker up` start the [`LocalEngine`], so that no test
//! changes a machine that it was not asked to change.

mod local_engine;
mod registry_image;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{cluster::ClusterError, process};

pub use local_engine::LocalEngine;
pub use registry_image::REGISTRY_IMAGE;

/// The variable that names the engine, for docker's own client and for all others.
pub const HOST_VARIABLE: &str = "DOCKER_HOST";

/// Where the machine's engine listens.
const MACHINES_HOST: &str = "unix:///var/run/docker.sock";
/// Debian's client. One that comes earlier in `PATH` may be of another vendor and lack a plugin, or the engine's version.
const DEBIANS_CLIENT: &str = "/usr/bin/docker";

/// A docker engine that answers.
#[derive(Clone, Debug)]
pub struct Engine {
    client: PathBuf,
    host: String,
}

/// The error returned when docker could not be started, used or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerError {
    /// A Debian package is missing and cannot be installed.
    #[error("docker cannot be had here")]
    Packages {
        /// Why not.
        source: ClusterError,
    },
    /// A program could not be run.
    #[error("failed to run `{program}`")]
    Run {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A program ended with a failure.
    #[error("`{command}` failed: {words}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// The end of what it said.
        words: String,
    },
    /// The engine did not come up.
    #[error("the docker engine does not answer; its last words: {words}")]
    Silent {
        /// The end of its log.
        words: String,
    },
    /// The engine did not end when it was told to.
    #[error("the docker engine with process id {process} does not end")]
    Stubborn {
        /// Its process.
        process: u32,
    },
    /// A file could not be read or written.
    #[error("failed to access `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DockerError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl Engine {
    /// Returns the engine that runs already, from the environment of the test.
    ///
    /// # Errors
    ///
    /// The sentence with which the test is skipped.
    pub fn running() -> Result<Self, String> {
        let given = std::env::var(HOST_VARIABLE).ok().filter(|host| !host.is_empty());
        Self::at(given.as_deref().unwrap_or(MACHINES_HOST))
    }

    /// Returns the engine at a host, such as `unix:///var/run/docker.sock`, where it answers.
    ///
    /// # Errors
    ///
    /// The sentence that says why it cannot be used.
    pub fn at(host: &str) -> Result<Self, String> {
        let client = client().ok_or("docker is not installed")?;
        let engine = Self { client, host: host.into() };
        match engine.output(&["version", "--format", "{{.Server.Version}}"]) {
            Ok(_) => Ok(engine),
            Err(_) => Err(format!(
                "no docker engine answers at {host}: `cargo xtask docker up`, or set {HOST_VARIABLE}"
            )),
        }
    }

    /// Returns what `DOCKER_HOST` is set to for this engine.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns docker's client for this engine, without any login or setting of the person.
    pub fn client(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.env(HOST_VARIABLE, &self.host).env("DOCKER_CONFIG", "/nonexistent");
        command.stdin(Stdio::null());
        command
    }

    /// Runs docker's client to its end and returns what it prints, trimmed.
    ///
    /// # Errors
    ///
    /// [`DockerError::Failed`] with the end of what it said.
    pub fn output(&self, arguments: &[&str]) -> Result<String, DockerError> {
        let program = || format!("docker {}", arguments.join(" "));
        let output = self
            .client()
            .args(arguments)
            .output()
            .map_err(|source| DockerError::Run { program: program(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let words = last_words(&String::from_utf8_lossy(&output.stderr));
        Err(DockerError::Failed { command: program(), words })
    }

    /// True where the engine has the image already.
    pub fn has_image(&self, name: &str) -> bool {
        self.output(&["image", "inspect", "--format", "{{.Id}}", name]).is_ok()
    }
}

fn client() -> Option<PathBuf> {
    let debians = PathBuf::from(DEBIANS_CLIENT);
    if debians.exists() { Some(debians) } else { process::find("docker") }
}

/// The last lines of what a program said, on one line.
fn last_words(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_there_is_named() {
        let reason = Engine::at("unix:///nonexistent/docker.sock").unwrap_err();
        let expected = match client() {
            Some(_) => "no docker engine answers at unix:///nonexistent/docker.sock: ",
            None => "docker is not installed",
        };
        assert!(reason.starts_with(expected), "{reason}");
    }

    #[test]
    fn last_words_are_the_last_three_lines() {
        assert_eq!(last_words("a\nb\n\nc\nd\n"), "b / c / d");
        assert_eq!(last_words(""), "");
    }
}
