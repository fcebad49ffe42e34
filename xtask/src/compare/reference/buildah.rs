//! buildah, with its own storage in the root directory.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use super::{Builder, Outcome, Reference, Root, outcome, root::Network, succeeded};
use crate::compare::{fixture::Fixture, workspace::Workspace};

/// buildah, which needs no daemon.
pub(crate) struct Buildah<'a> {
    root: &'a Root,
    limits: Vec<String>,
}

impl<'a> Buildah<'a> {
    /// Prepares it.
    pub(crate) fn new(root: &'a Root) -> io::Result<Self> {
        Ok(Self { root, limits: limits()? })
    }

    fn buildah(&self, arguments: &[&str]) -> Command {
        let mut command = self.root.command(Network::Machine, "buildah");
        command.args(["--storage-driver", "overlay"]).args(arguments).stdin(Stdio::null());
        command
    }
}

impl Reference for Buildah<'_> {
    fn builder(&self) -> Builder {
        Builder::Buildah
    }

    fn version(&self) -> io::Result<String> {
        let output = succeeded(self.buildah(&["--version"]).output()?)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().nth(2).unwrap_or_default();
        Ok(format!("buildah {version}"))
    }

    fn load(&self, archive: &Path) -> io::Result<()> {
        let archive = format!("docker-archive:{}", self.root.inside(archive).display());
        succeeded(self.buildah(&["pull", &archive]).output()?).map(drop)
    }

    fn build(&self, workspace: &Workspace, fixture: &Fixture) -> io::Result<Outcome> {
        let archive = workspace.archive(fixture, &self.builder().to_string());
        let mut command = self.buildah(&["build", "--isolation=chroot", "--pull=never"]);
        // The image layout has no place for HEALTHCHECK, ONBUILD and SHELL.
        command.args(["--format=docker", "--identity-label=false"]);
        command.args(&self.limits);
        let destination = self.root.inside(&archive);
        command.arg(format!("--tag=docker-archive:{}", destination.display()));
        command.args(workspace.options(fixture, |path| self.root.inside(path)));
        command.arg(self.root.inside(&workspace.context(fixture)));
        Ok(outcome(&command.output()?, archive))
    }
}

/// The flags that give `RUN` the hard limits of this process: buildah asks for higher ones by itself, which not every root may
/// have.
pub(crate) fn limits() -> io::Result<Vec<String>> {
    let limits = own_limits(&fs::read_to_string("/proc/self/limits")?);
    Ok(limits.into_iter().map(|limit| format!("--ulimit={limit}")).collect())
}

fn own_limits(limits: &str) -> Vec<String> {
    let hard = |title: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(title))?;
        line.split_whitespace().nth(1).filter(|limit| *limit != "unlimited").map(str::to_owned)
    };
    [("nofile", "Max open files"), ("nproc", "Max processes")]
        .into_iter()
        .filter_map(|(name, title)| hard(title).map(|limit| format!("{name}={limit}:{limit}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_the_kernels_table() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max processes             unlimited            unlimited            processes \n\
                     Max open files            1024                 20000                files     \n";
        assert_eq!(own_limits(table), ["nofile=20000:20000"]);
    }
}
