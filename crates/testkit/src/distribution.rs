//! CNCF distribution (`docker-registry`, a Debian package) as an independent registry.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use notes_oci::Reference;

use crate::{process, skip};

/// The program, which has the package's name.
const PROGRAM: &str = "docker-registry";
/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `docker-registry`, ended when it is dropped.
#[derive(Debug)]
pub struct Distribution {
    child: Child,
    address: SocketAddr,
    /// Where it has no directory of the caller's.
    _own: Option<tempfile::TempDir>,
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
        let Some(program) = process::find(PROGRAM) else {
            skip(test, "docker-registry is not installed");
            return None;
        };
        let own = tempfile::tempdir().expect("a temporary directory can be made");
        let path = own.path().to_owned();
        let running = Self::launch(&program, &path, tls, Some(own));
        Some(running.expect("what is installed can be started"))
    }

    /// Starts one that keeps its data (`data`), the lines of its requests (`access.log`) and of its failures (`error.log`) in
    /// `directory`. Blocks until it listens. It remembers no blobs, so that repositories may be removed while it runs.
    ///
    /// # Errors
    ///
    /// Where it is not installed or does not start.
    pub fn serve(directory: &Path) -> io::Result<Self> {
        let missing = "`docker-registry` is not installed (apt-get install docker-registry)";
        let program = process::find(PROGRAM).ok_or_else(|| io::Error::other(missing))?;
        Self::launch(&program, directory, "{}", None)
    }

    fn launch(
        program: &Path,
        directory: &Path,
        tls: &str,
        own: Option<tempfile::TempDir>,
    ) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        // It cannot say which free port it took, so one is found first.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = directory.join("config.yml");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}', tls: {tls}}}\n",
            directory.join("data").display()
        );
        fs::write(&path, config)?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&path).env("OTEL_TRACES_EXPORTER", "none");
        command.stdin(Stdio::null()).stdout(File::create(directory.join("access.log"))?);
        let child = command.stderr(File::create(directory.join("error.log"))?).spawn()?;
        let running = Self { child, address, _own: own };
        running.wait()?;
        Ok(running)
    }

    fn wait(&self) -> io::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("the registry does not answer"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Returns its process.
    pub fn process(&self) -> u32 {
        self.child.id()
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
