//! The others, from Debian's packages in a root of their own.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Result, contender::Contender, project::Project};
use crate::{
    compare::{Network, Root, limits},
    program,
};

/// How long the daemon may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);
const SOCKET: &str = "/run/bench-docker.sock";
/// Where docker keeps everything.
const DATA: &str = "/var/lib/bench-docker";

/// docker with `BuildKit`: a daemon that ends when this is dropped.
pub(super) struct Docker<'a> {
    root: &'a Root,
    daemon: Child,
}

impl<'a> Docker<'a> {
    /// Starts the daemon.
    pub(super) fn start(root: &'a Root) -> Result<Self> {
        for left in [SOCKET, "/run/bench-docker.pid", "/run/bench-docker", DATA] {
            let path = root.path().join(&left[1..]);
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        let log = File::create(root.path().join("var/log/bench-dockerd.log"))?;
        let daemon = root
            .command(Network::Machine, "/usr/sbin/dockerd")
            .args(["--host", &format!("unix://{SOCKET}"), "--pidfile", "/run/bench-docker.pid"])
            .args(["--data-root", DATA, "--exec-root", "/run/bench-docker"])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--log-level", "warn"])
            // The store that new installations have.
            .args(["--feature", "containerd-snapshotter=true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut docker = Self { root, daemon };
        let deadline = Instant::now() + PATIENCE;
        while !docker.answers() {
            if let Some(status) = docker.daemon.try_wait()? {
                return Err(format!("dockerd ended at once: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("dockerd does not answer".into());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(docker)
    }

    fn answers(&self) -> bool {
        let mut version = self.docker(&["version"]);
        version.stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = self.root.command(Network::Machine, "docker");
        docker.args(["--host", &format!("unix://{SOCKET}")]).args(arguments);
        docker
    }
}

impl Contender for Docker<'_> {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn version(&self) -> Result<String> {
        let format = "docker {{.Server.Version}}";
        program::result(&mut self.docker(&["version", "--format", format]))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["docker", "docker-buildx", "dockerd", "containerd", "containerd-shim-runc-v2", "runc"]
    }

    fn forget(&self) -> Result<()> {
        program::run(&mut self.docker(&["builder", "prune", "--all", "--force"]))?;
        program::run(&mut self.docker(&["system", "prune", "--all", "--force"]))
    }

    fn build(&self, project: &Project, reference: &str) -> Vec<Command> {
        let mut build = self.docker(&["buildx", "build", "--quiet", "--push", "--network=host"]);
        // An image, as the others push one, not an index with a statement about how it was made.
        build.args(["--provenance=false", "--tag", reference]);
        build.arg(self.root.inside(project.directory()));
        vec![build]
    }
}

impl Drop for Docker<'_> {
    fn drop(&mut self) {
        // `kill` rather than a system call of our own: this workspace has unsafe code in one crate only.
        let _ = Command::new("kill").arg(self.daemon.id().to_string()).status();
        let _ = self.daemon.wait();
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
