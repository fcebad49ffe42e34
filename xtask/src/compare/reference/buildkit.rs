//! `BuildKit`, in a docker daemon that runs in the root directory while the comparison does.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Builder, Outcome, Reference, Root, outcome, root::Network, succeeded};
use crate::compare::{fixture::Fixture, workspace::Workspace};

/// How long the daemon may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it may take to say its version.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take to build a fixture, or to load a base.
const WORK: Duration = Duration::from_mins(10);
const SOCKET: &str = "/run/docker.sock";

/// A docker daemon, which ends when it is dropped.
pub(crate) struct Buildkit<'a> {
    root: &'a Root,
    daemon: Child,
}

impl<'a> Buildkit<'a> {
    /// Starts it.
    pub(crate) fn start(root: &'a Root) -> io::Result<Self> {
        // Of a daemon that was killed.
        for left in [SOCKET, "/run/docker.pid", "/run/docker/containerd/containerd.pid"] {
            let _ = fs::remove_file(root.path().join(&left[1..]));
        }
        let log = fs::File::create(root.path().join("var/log/dockerd.log"))?;
        let daemon = root
            .command(Network::Own, "/usr/sbin/dockerd")
            .args(["--host", &format!("unix://{SOCKET}"), "--pidfile", "/run/docker.pid"])
            .args(["--data-root", "/var/lib/docker", "--exec-root", "/run/docker"])
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--log-level", "warn"])
            // Its store keeps images as they are, and so exports them as they are.
            .args(["--feature", "containerd-snapshotter=true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut buildkit = Self { root, daemon };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = buildkit.daemon.try_wait()? {
                return Err(io::Error::other(format!("dockerd ended at once: {status}")));
            }
            if buildkit.version().is_ok() {
                return Ok(buildkit);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(io::Error::other(format!("dockerd was not up within {} s", PATIENCE.as_secs())))
    }

    /// A client whose time is limited: one that asks a daemon which is not up yet may wait for ever.
    fn docker(&self, limit: Duration, arguments: &[&str]) -> Command {
        let mut command = self.root.command(Network::Machine, "timeout");
        command.arg(limit.as_secs().to_string()).arg("docker");
        command.args(["--host", &format!("unix://{SOCKET}")]).args(arguments);
        command.stdin(Stdio::null());
        command
    }
}

impl Reference for Buildkit<'_> {
    fn builder(&self) -> Builder {
        Builder::Buildkit
    }

    fn version(&self) -> io::Result<String> {
        let format = "docker {{.Server.Version}}";
        let output = succeeded(self.docker(ANSWER, &["version", "--format", format]).output()?)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn load(&self, archive: &Path) -> io::Result<()> {
        let archive = self.root.inside(archive);
        succeeded(self.docker(WORK, &["image", "load", "--input"]).arg(archive).output()?).map(drop)
    }

    fn build(&self, workspace: &Workspace, fixture: &Fixture) -> io::Result<Outcome> {
        let archive = workspace.archive(fixture, &self.builder().to_string());
        let mut command = self.docker(WORK, &["buildx", "build", "--progress=plain"]);
        let destination = self.root.inside(&archive);
        command.arg(format!("--output=type=docker,dest={}", destination.display()));
        command.args(workspace.options(fixture, |path| self.root.inside(path)));
        command.arg(self.root.inside(&workspace.context(fixture)));
        Ok(outcome(&command.output()?, archive))
    }
}

impl Drop for Buildkit<'_> {
    fn drop(&mut self) {
        // `kill` rather than a system call of our own: this workspace has unsafe code in one crate only.
        let _ = Command::new("kill").arg(self.daemon.id().to_string()).status();
        let _ = self.daemon.wait();
    }
}
