//! CNCF distribution (`docker-registry`, a Debian package) as an independent registry.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use notes_oci::Reference;

use crate::{process, skip};

/// A running `docker-registry`, ended when it is dropped.
#[derive(Debug)]
pub struct Distribution {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Distribution {
    /// Starts one, or says why `test` is skipped. Blocks until it listens.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(test: &str) -> Option<Self> {
        Self::start_with_tls(test, "{}")
    }

    /// Starts one that speaks TLS as `tls` configures it, in the words of its configuration.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_with_tls(test: &str, tls: &str) -> Option<Self> {
        let Some(program) = process::find("docker-registry") else {
            skip(test, "docker-registry is not installed");
            return None;
        };
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        // It cannot say which free port it took, so one is found first.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a port is free");
        let path = directory.path().join("config.yml");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}', tls: {tls}}}\n",
            directory.path().join("data").display()
        );
        fs::write(&path, config).expect("a temporary directory can be written to");
        let mut command = Command::new(program);
        command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("what is installed can be started");
        let running = Self { child, address, _directory: directory };
        running.wait();
        Some(running)
    }

    fn wait(&self) {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it listens");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the reference of `rest`, such as `team/app:tag`, in it.
    ///
    /// # Panics
    ///
    /// Where `rest` is malformed.
    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().expect("a test names images well")
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
