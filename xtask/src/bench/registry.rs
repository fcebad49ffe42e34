//! The registry that all pull from and push to: CNCF distribution, whose log tells the requests.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use notes_testkit::process;

use super::Result;
use crate::{demo::bases, output};

/// The base of all projects.
const BASE: &str = "python:3.13-slim";
/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A registry, which ends when it is dropped.
pub(super) struct Registry {
    address: SocketAddr,
    directory: PathBuf,
    serving: Child,
}

impl Registry {
    /// Starts it in `directory`.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        let program = process::find("docker-registry")
            .ok_or("`docker-registry` is not installed (apt-get install docker-registry)")?;
        fs::create_dir_all(directory)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = directory.join("config.yml");
        fs::write(&settings, configuration(address, directory))?;
        let serving = Command::new(program)
            .arg("serve")
            .arg(settings)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(File::create(directory.join("access.log"))?)
            .stderr(File::create(directory.join("error.log"))?)
            .spawn()?;
        let registry = Self { address, directory: directory.to_owned(), serving };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err("the registry does not answer".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(registry)
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its process.
    pub(super) fn process(&self) -> u32 {
        self.serving.id()
    }

    /// Returns the base of all projects, as a Dockerfile names it.
    pub(super) fn base(&self) -> String {
        format!("{}/library/{BASE}", self.address)
    }

    /// Puts the base into it, made of Debian's packages.
    pub(super) fn provide_base(&self, notes_build: &Path, cache: &Path) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let say = |line: &str| output::say(line);
        runtime.block_on(bases::push(BASE, self.address, notes_build, cache, &say))?;
        Ok(())
    }

    /// Removes what was pushed to a repository.
    pub(super) fn forget(&self, repository: &str) -> Result<()> {
        let path = self.directory.join("data/docker/registry/v2/repositories").join(repository);
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// Removes all that was ever pushed.
    pub(super) fn forget_all(&self) -> Result<()> {
        let path = self.directory.join("data/docker");
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// Returns how many requests it has answered.
    pub(super) fn requests(&self) -> Result<usize> {
        let log = fs::read_to_string(self.directory.join("access.log"))?;
        Ok(log.lines().filter(|line| line.contains(" HTTP/")).count())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// Without a cache of what blobs there are: repositories are removed while it runs.
fn configuration(address: SocketAddr, directory: &Path) -> String {
    let data = directory.join("data");
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"{address}\"}}\n",
        data.display()
    )
}
