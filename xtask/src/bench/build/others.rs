//! The others, from Debian's packages in a root of their own.

use std::{fs, process::Command};

use super::{Builder, project::Project};
use crate::bench::{Result, contender::Contender};
use crate::{
    compare::{Daemon, Network, Root, limits},
    program,
};

/// What docker keeps, and where it keeps it, in the root directory.
const DOCKER: &str = "bench-docker";

/// docker with `BuildKit`.
pub(super) struct Docker<'a> {
    root: &'a Root,
    daemon: Daemon<'a>,
}

impl<'a> Docker<'a> {
    /// Starts the daemon, which knows nothing.
    pub(super) fn start(root: &'a Root) -> Result<Self> {
        for parent in ["run", "var/lib"] {
            let kept = root.path().join(parent).join(DOCKER);
            if kept.exists() {
                fs::remove_dir_all(kept)?;
            }
        }
        // On the machine's network, where the registry is, and without traces in it.
        let flags = ["--bridge=none", "--iptables=false", "--ip6tables=false"];
        Ok(Self { root, daemon: Daemon::start(root, DOCKER, Network::Machine, &flags)? })
    }
}

impl Contender for Docker<'_> {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn version(&self) -> Result<String> {
        Ok(self.daemon.version()?)
    }

    fn programs(&self) -> &'static [&'static str] {
        &["docker", "docker-buildx", "dockerd", "containerd", "containerd-shim-runc-v2", "runc"]
    }
}

impl Builder for Docker<'_> {
    fn forget(&self) -> Result<()> {
        program::run(&mut self.daemon.docker(&["builder", "prune", "--all", "--force"]))?;
        program::run(&mut self.daemon.docker(&["system", "prune", "--all", "--force"]))
    }

    fn build(&self, project: &Project, reference: &str) -> Vec<Command> {
        let mut build =
            self.daemon.docker(&["buildx", "build", "--quiet", "--push", "--network=host"]);
        // An image, as the others push one, not an index with a statement about how it was made.
        build.args(["--provenance=false", "--tag", reference]);
        build.arg(self.root.inside(project.directory()));
        vec![build]
    }
}

/// buildah, with storage of its own.
pub(super) struct Buildah<'a> {
    root: &'a Root,
    limits: Vec<String>,
}

impl<'a> Buildah<'a> {
    pub(super) fn new(root: &'a Root) -> Result<Self> {
        Ok(Self { root, limits: limits()? })
    }

    fn buildah(&self, arguments: &[&str]) -> Command {
        let mut buildah = self.root.command(Network::Machine, "buildah");
        buildah.args(["--root", "/var/lib/bench-buildah", "--runroot", "/run/bench-buildah"]);
        buildah.args(["--storage-driver", "overlay"]).args(arguments);
        buildah
    }
}

impl Contender for Buildah<'_> {
    fn name(&self) -> &'static str {
        "buildah"
    }

    fn version(&self) -> Result<String> {
        let version = program::result(&mut self.buildah(&["--version"]))?;
        Ok(format!("buildah {}", version.split_whitespace().nth(2).unwrap_or_default()))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["buildah"]
    }
}

impl Builder for Buildah<'_> {
    fn forget(&self) -> Result<()> {
        program::run(&mut self.buildah(&["rmi", "--all", "--force"]))
    }

    fn build(&self, project: &Project, reference: &str) -> Vec<Command> {
        // Its fastest way to run a command that needs no runtime.
        let mut build = self.buildah(&["build", "--quiet", "--layers", "--isolation=chroot"]);
        build.args(["--tls-verify=false", "--tag", reference]).args(&self.limits);
        build.arg(self.root.inside(project.directory()));
        let push = self.buildah(&["push", "--quiet", "--tls-verify=false", reference]);
        vec![build, push]
    }
}
