//! Debian's docker engine, started for the time of the tests.
//!
//! Everything it has lies in one directory of the cache and goes with it. What it mounts is in a mount namespace of its own,
//! so that nothing stays mounted however it ends. Its containers use the machine's network (`--network=host`): a bridge would
//! be a link, addresses and forwarding rules in the machine's network, and a network namespace around the engine would keep
//! it from the registries that tests start on loopback.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{DockerError, Engine, client, last_words, registry_image};
use crate::{
    cluster::{Package, install_missing},
    process,
};

const WHY: &str = "the docker engine of the tests";
const ENGINE: Package = Package { name: "docker.io", shown_by: "dockerd" };
/// The client, where Debian has it in a package of its own (from trixie on).
const CLIENT: Package = Package { name: "docker-cli", shown_by: "docker" };

/// The parent of all control groups of its containers; none of it is shared with another engine.
const CGROUP: &str = "notes-docker";
/// How long the engine may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hides the machine's containerd, which dockerd would use where it finds it, and then becomes dockerd. containerd's shims
/// have their sockets in this directory too, wherever its state is (containerd, `defaults.DefaultStateDir`).
const SCRIPT: &str = r#"mkdir -p /run/containerd && mount -t tmpfs -o mode=700 none /run/containerd &&
exec "$0" --config-file "$1""#;

/// An engine under a directory of the cache.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    directory: PathBuf,
}

impl LocalEngine {
    /// Returns the engine of this cache directory, up or down.
    pub fn at(cache: &Path) -> Self {
        Self { directory: cache.join("docker") }
    }

    /// Returns the engine where this machine can run one.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    pub fn detect(cache: &Path) -> Result<Self, String> {
        if !process::is_root() {
            return Err("needs root".into());
        }
        if !process::may_mount() {
            return Err("needs the right to mount (CAP_SYS_ADMIN)".into());
        }
        if process::find(ENGINE.shown_by).is_none() && process::find("apt-get").is_none() {
            return Err("needs Debian's package docker.io, and there is no apt-get".into());
        }
        Ok(Self::at(cache))
    }

    /// Returns what `DOCKER_HOST` is set to for it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.directory.join("docker.sock").display())
    }

    /// True where it answers.
    pub fn is_up(&self) -> bool {
        self.process().is_some() && Engine::at(&self.host()).is_ok()
    }

    /// Starts it, or finds that it runs, with an image `registry:2` made of Debian's package.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from running; [`LocalEngine::stop`] takes away what was started.
    pub fn start(&self, say: &mut dyn FnMut(&str)) -> Result<Engine, DockerError> {
        let missing = |source| DockerError::Packages { source };
        install_missing(&[ENGINE], WHY, say).map_err(missing)?;
        if client().is_none() {
            install_missing(&[CLIENT], WHY, say).map_err(missing)?;
        }
        if !self.is_up() {
            self.clear()?;
            let mut child = self.spawn()?;
            self.wait_until_up(&mut child)?;
        }
        let engine = Engine::at(&self.host()).map_err(|words| DockerError::Silent { words })?;
        registry_image::make(&engine, &self.directory, say)?;
        Ok(engine)
    }

    /// Stops it, and removes its containers, images and files.
    ///
    /// # Errors
    ///
    /// [`DockerError::Stubborn`] where it does not end.
    pub fn stop(&self) -> Result<(), DockerError> {
        if let Some(process) = self.process() {
            // Left to the engine, a container that ignores SIGTERM has ten seconds.
            if let Ok(engine) = Engine::at(&self.host())
                && let Ok(containers) = engine.output(&["ps", "--all", "--quiet"])
            {
                let containers: Vec<_> = containers.lines().collect();
                if !containers.is_empty() {
                    engine.output(&[&["rm", "--force", "--volumes"], &containers[..]].concat())?;
                }
            }
            self.end(process)?;
        }
        self.clear()
    }

    fn spawn(&self) -> Result<Child, DockerError> {
        let io = |path: PathBuf| DockerError::io(&path);
        fs::create_dir_all(&self.directory).map_err(io(self.directory.clone()))?;
        let config = self.directory.join("daemon.json");
        fs::write(&config, self.config()).map_err(io(config.clone()))?;
        let log = fs::File::create(self.log()).map_err(io(self.log()))?;
        let second = log.try_clone().map_err(io(self.log()))?;
        let program = process::find(ENGINE.shown_by).unwrap_or_else(|| ENGINE.shown_by.into());
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT])
            .arg(program)
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(second)
            // Ctrl-C is for the one who tests, who then stops it.
            .process_group(0);
        command.spawn().map_err(|source| DockerError::Run { program: "unshare".into(), source })
    }

    /// Its whole configuration: a file of its own, so that the machine's (`/etc/docker/daemon.json`) is not read.
    fn config(&self) -> String {
        let path = |name: &str| self.directory.join(name).display().to_string();
        format!(
            r#"{{
  "hosts": ["{host}"],
  "data-root": "{data}",
  "exec-root": "{run}",
  "pidfile": "{pid}",
  "cgroup-parent": "/{CGROUP}",
  "default-runtime": "runc",
  "bridge": "none",
  "iptables": false,
  "ip6tables": false,
  "ip-forward": false,
  "ip-masq": false
}}
"#,
            host = self.host(),
            data = path("data"),
            run = path("run"),
            pid = path("docker.pid"),
        )
    }

    fn wait_until_up(&self, child: &mut Child) -> Result<(), DockerError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.is_up() {
                return Ok(());
            }
            if child.try_wait().map_err(DockerError::io(&self.log()))?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        // It may have ended by itself; either way it is gone.
        let _ = child.kill();
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        Err(DockerError::Silent { words: last_words(&log) })
    }

    fn end(&self, process: u32) -> Result<(), DockerError> {
        // `kill` rather than a system call of our own: this workspace has unsafe code in one crate only.
        let program = "kill";
        Command::new(program)
            .arg(process.to_string())
            .status()
            .map_err(|source| DockerError::Run { program: program.into(), source })?;
        let deadline = Instant::now() + PATIENCE;
        while self.process().is_some() {
            if Instant::now() > deadline {
                return Err(DockerError::Stubborn { process });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Its process, where it lives. One of the same number that is somebody else's has another command line, and one that
    /// has ended has none.
    fn process(&self) -> Option<u32> {
        let process = fs::read_to_string(self.directory.join("docker.pid")).ok()?;
        let process = process.trim().parse().ok()?;
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
        line.contains(&self.directory.display().to_string()).then_some(process)
    }

    /// Removes what an engine that has ended left: its files, and its control groups, which are empty.
    fn clear(&self) -> Result<(), DockerError> {
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // The one hierarchy, or each of several; busy ones are another engine's of the same name.
            let _ = fs::remove_dir(hierarchy.path().join(CGROUP));
        }
        let _ = fs::remove_dir(Path::new("/sys/fs/cgroup").join(CGROUP));
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(DockerError::io(&self.directory)(error))
            }
            _ => Ok(()),
        }
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_was_never_started_is_down_and_stays_so() {
        let cache = tempfile::tempdir().unwrap();
        let engine = LocalEngine::at(cache.path());
        assert!(!engine.is_up());
        engine.stop().unwrap();
    }

    #[test]
    fn a_process_of_another_command_is_not_the_engine() {
        let cache = tempfile::tempdir().unwrap();
        let engine = LocalEngine::at(cache.path());
        fs::create_dir_all(&engine.directory).unwrap();
        fs::write(engine.directory.join("docker.pid"), std::process::id().to_string()).unwrap();
        assert_eq!(engine.process(), None);
    }
}
