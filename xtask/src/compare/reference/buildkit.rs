//! `BuildKit`, in a docker daemon that runs in the root directory while the comparison does.

use std::{io, path::Path, time::Duration};

use super::{Builder, Daemon, Network, Outcome, Reference, Root, outcome, succeeded};
use crate::compare::{fixture::Fixture, workspace::Workspace};

/// How long the daemon may take to build a fixture, or to load a base.
const WORK: Duration = Duration::from_mins(10);

/// `BuildKit` in a docker daemon.
pub(crate) struct Buildkit<'a> {
    root: &'a Root,
    daemon: Daemon<'a>,
}

impl<'a> Buildkit<'a> {
    /// Starts the daemon.
    pub(crate) fn start(root: &'a Root) -> io::Result<Self> {
        Ok(Self { root, daemon: Daemon::start(root, "docker", Network::Own, &[])? })
    }
}

impl Reference for Buildkit<'_> {
    fn builder(&self) -> Builder {
        Builder::Buildkit
    }

    fn version(&self) -> io::Result<String> {
        self.daemon.version()
    }

    fn load(&self, archive: &Path) -> io::Result<()> {
        let mut load = self.daemon.docker_within(WORK, &["image", "load", "--input"]);
        succeeded(load.arg(self.root.inside(archive)).output()?).map(drop)
    }

    fn build(&self, workspace: &Workspace, fixture: &Fixture) -> io::Result<Outcome> {
        let archive = workspace.archive(fixture, &self.builder().to_string());
        let arguments = ["buildx", "build", "--progress=plain"];
        let mut command = self.daemon.docker_within(WORK, &arguments);
        let destination = self.root.inside(&archive);
        command.arg(format!("--output=type=docker,dest={}", destination.display()));
        command.args(workspace.options(fixture, |path| self.root.inside(path)));
        command.arg(self.root.inside(&workspace.context(fixture)));
        Ok(outcome(&command.output()?, archive))
    }
}
