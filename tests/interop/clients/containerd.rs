//! containerd, through its own client.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use notes_oci::Reference;
use notes_testkit::process;

use super::{super::kind::Kind, Client, credentials, run};

/// containerd with a directory of its own, ended when it is dropped.
pub(crate) struct Containerd {
    child: Child,
    directory: tempfile::TempDir,
}

impl Containerd {
    pub(crate) fn start() -> Result<Self, &'static str> {
        match () {
            () if !process::is_root() => Err("needs root"),
            () if process::find("containerd").is_none() => Err("containerd is not installed"),
            () if process::find("ctr").is_none() => Err("ctr is not installed"),
            () => Ok(Self::started()),
        }
    }

    fn started() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // Nothing of the machine's configuration, and nothing that mounts or listens elsewhere.
        let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
        std::fs::write(at("config.toml"), config).unwrap();
        let mut command = Command::new("containerd");
        command.arg("--config").arg(at("config.toml")).arg("--root").arg(at("root"));
        command.arg("--state").arg(at("state")).arg("--address").arg(at("socket"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = Self { child, directory };
        running.wait();
        running
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.ctr(&["version"]).output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "containerd answers");
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn ctr(&self, arguments: &[&str]) -> Command {
        let socket: &Path = &self.directory.path().join("socket");
        let mut command = Command::new("ctr");
        command.arg("--address").arg(socket).args(arguments);
        command
    }
}

impl Client for Containerd {
    fn copy(&self, _: Kind, from: &Reference, to: &Reference) {
        let (from, to) = (from.to_string(), to.to_string());
        // Pulled and checked, but not unpacked: for that containerd mounts.
        run(&mut self.ctr(&["content", "fetch", "--plain-http", "--all-platforms", &from]));
        let user = credentials();
        run(&mut self.ctr(&["images", "push", "--plain-http", "--user", &user, &to, &from]));
    }

    fn keeps(&self, _: Kind) -> bool {
        true
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
