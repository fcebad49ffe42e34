//! notes-build, as a person runs it: the commit of a repository, bases from a registry that mirrors Docker Hub.

use std::{
    fs, io,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{
    fixture::Fixture,
    reference::{Outcome, outcome, succeeded},
    workspace::Workspace,
};

/// notes-build with a store of its own, and its registry, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ours {
    program: PathBuf,
    directory: PathBuf,
    registry: String,
    serving: Child,
}

impl Ours {
    /// Starts the registry of `program` in `directory`.
    pub(crate) fn start(program: PathBuf, directory: &Path) -> io::Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        let mut serving = Command::new(&program)
            .args(["serve", "--address", "127.0.0.1:0", "--quiet", "--root"])
            .arg(directory.join("registry"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut registry = String::new();
        let stdout = serving.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut registry)?;
        let registry = registry.trim_end().to_owned();
        Ok(Self { program, directory: directory.to_owned(), registry, serving })
    }

    /// Builds a base, puts it into the registry under `base:<name of the fixture>`, and returns it as an archive of that name.
    pub(crate) fn base(&self, workspace: &Workspace, fixture: &Fixture) -> io::Result<PathBuf> {
        let archive = workspace.archive(fixture, "base");
        let mut push = self.command(workspace, fixture);
        push.arg(format!("--image={}/library/base", self.registry));
        push.args(["--tag", &fixture.name, "--allow-retag"]);
        succeeded(push.output()?)?;
        let mut write = self.command(workspace, fixture);
        write.args(["--no-push", "--image=docker.io/library/base", "--tag", &fixture.name]);
        write.arg(format!("--output=type=docker,dest={}", archive.display()));
        succeeded(write.output()?)?;
        Ok(archive)
    }

    /// Builds a fixture.
    pub(crate) fn build(&self, workspace: &Workspace, fixture: &Fixture) -> io::Result<Outcome> {
        let archive = workspace.archive(fixture, "ours");
        let mut command = self.command(workspace, fixture);
        command.args(["--no-push", "--image=docker.io/library/fixture"]);
        command.arg(format!("--output=type=docker,dest={}", archive.display()));
        Ok(outcome(&command.output()?, archive))
    }

    fn command(&self, workspace: &Workspace, fixture: &Fixture) -> Command {
        let mut command = Command::new(&self.program);
        command.args(workspace.options(fixture, Path::to_owned));
        command.arg("--context").arg(workspace.context(fixture));
        command.arg("--store").arg(self.directory.join("store"));
        command.arg(format!("--mirror=docker.io={}", self.registry)).arg("--quiet");
        command.current_dir(workspace.repository()).env_clear();
        command.env("HOME", &self.directory).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}
