//! A docker daemon in the root directory, with everything it has under one name there.

use std::{
    fs, io,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Network, Root, succeeded};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it may take to say its version.
const ANSWER: Duration = Duration::from_secs(10);

/// A docker daemon, which ends when this is dropped.
pub(crate) struct Daemon<'a> {
    root: &'a Root,
    name: &'static str,
    process: Child,
}

impl<'a> Daemon<'a> {
    /// Starts it on a network, with `flags`. What an earlier one of the name has kept is there again.
    pub(crate) fn start(
        root: &'a Root,
        name: &'static str,
        network: Network,
        flags: &[&str],
    ) -> io::Result<Self> {
        // Of a daemon that was killed.
        for left in ["{}.sock", "{}.pid", "{}/containerd/containerd.pid"] {
            let _ = fs::remove_file(root.path().join("run").join(left.replace("{}", name)));
        }
        let log = fs::File::create(root.path().join(format!("var/log/{name}d.log")))?;
        let process = root
            .command(network, "/usr/sbin/dockerd")
            .args(["--host", &host(name), "--pidfile", &format!("/run/{name}.pid")])
            .args(["--data-root", &format!("/var/lib/{name}")])
            .args(["--exec-root", &format!("/run/{name}")])
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--log-level", "warn"])
            // The store that new installations have. It keeps images as they are, and so exports them as they are.
            .args(["--feature", "containerd-snapshotter=true"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut daemon = Self { root, name, process };
        let deadline = Instant::now() + PATIENCE;
        while daemon.version().is_err() {
            if let Some(status) = daemon.process.try_wait()? {
                return Err(io::Error::other(format!("dockerd ended at once: {status}")));
            }
            if Instant::now() > deadline {
                let seconds = PATIENCE.as_secs();
                return Err(io::Error::other(format!("dockerd was not up within {seconds} s")));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(daemon)
    }

    /// Returns its version.
    pub(crate) fn version(&self) -> io::Result<String> {
        let format = "docker {{.Server.Version}}";
        let output = self.docker_within(ANSWER, &["version", "--format", format]).output()?;
        Ok(String::from_utf8_lossy(&succeeded(output)?.stdout).trim().to_owned())
    }

    /// Returns a client of it.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        self.client(self.root.command(Network::Machine, "docker"), arguments)
    }

    /// Returns a client whose time is limited: one that asks a daemon which is not up yet may wait for ever.
    pub(crate) fn docker_within(&self, limit: Duration, arguments: &[&str]) -> Command {
        let mut command = self.root.command(Network::Machine, "timeout");
        command.arg(limit.as_secs().to_string()).arg("docker");
        self.client(command, arguments)
    }

    fn client(&self, mut docker: Command, arguments: &[&str]) -> Command {
        docker.args(["--host", &host(self.name)]).args(arguments).stdin(Stdio::null());
        docker
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        // `kill` rather than a system call of our own: this workspace has unsafe code in one crate only.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn host(name: &str) -> String {
    format!("unix:///run/{name}.sock")
}
