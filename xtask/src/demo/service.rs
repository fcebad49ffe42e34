//! A program that keeps running, also after this one where it is kept.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a service may take until it says where it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program known by its files: its process, its first line on stdout (its address), and its log.
pub(super) struct Service {
    name: &'static str,
    pid: PathBuf,
    address: PathBuf,
    log: PathBuf,
}

/// The error returned when a service did not come up.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    #[error("failed to start the {name}")]
    Start { name: &'static str, source: std::io::Error },
    #[error("the {name} ended at once: {last}")]
    Ended { name: &'static str, last: String },
    #[error("the {name} did not say its address within {} s", PATIENCE.as_secs())]
    Silent { name: &'static str },
}

impl Service {
    pub(super) fn new(name: &'static str, directory: &Path) -> Self {
        let file = |extension: &str| directory.join(format!("{name}.{extension}"));
        Self { name, pid: file("pid"), address: file("address"), log: file("log") }
    }

    /// Returns the address where it runs already.
    pub(super) fn running(&self) -> Option<String> {
        self.process()?;
        let address = fs::read_to_string(&self.address).ok()?;
        Some(address.trim_end().to_owned())
    }

    /// Starts it in a process group of its own, so that Ctrl-C reaches only this program, and returns the address it prints.
    pub(super) fn start(&self, command: &mut Command) -> Result<String, ServiceError> {
        let name = self.name;
        let failed = |source| ServiceError::Start { name, source };
        if let Some(directory) = self.pid.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&self.address).map_err(failed)?)
            .stderr(fs::File::create(&self.log).map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let begun = begun(child.id()).unwrap_or_default();
        fs::write(&self.pid, format!("{} {begun}", child.id())).map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(text) = fs::read_to_string(&self.address)
                && let Some((address, _)) = text.split_once('\n')
            {
                return Ok(address.to_owned());
            }
            if child.try_wait().map_err(failed)?.is_some() {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let last = log.lines().last().unwrap_or("it said nothing").to_owned();
                return Err(ServiceError::Ended { name, last });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(ServiceError::Silent { name })
    }

    /// Ends it with SIGTERM, and waits a moment for it.
    pub(super) fn stop(&self) {
        let Some(pid) = self.process() else { return };
        // `kill` rather than a system call of our own: this workspace has unsafe code in one crate only.
        let _ = Command::new("kill").arg(pid.to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.process().is_some() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_file(&self.pid);
    }

    /// Its process, where it lives: one of the same number that began at another time is somebody else's.
    fn process(&self) -> Option<u32> {
        let text = fs::read_to_string(&self.pid).ok()?;
        let (pid, recorded) = text.split_once(' ')?;
        let pid = pid.parse().ok()?;
        (begun(pid)? == recorded).then_some(pid)
    }
}

/// When a process began, in ticks since the machine did; nothing for a process that has ended. See proc(5).
fn begun(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_says_its_address_and_is_stopped() {
        let directory = tempfile::tempdir().unwrap();
        let service = Service::new("registry", directory.path());
        assert_eq!(service.running(), None);
        let mut command = Command::new("sh");
        let address =
            service.start(command.args(["-c", "echo 127.0.0.1:1; exec sleep 60"])).unwrap();
        assert_eq!(address, "127.0.0.1:1");
        assert_eq!(service.running().as_deref(), Some("127.0.0.1:1"));
        service.stop();
        assert_eq!(service.running(), None);
    }

    #[test]
    fn a_service_that_ends_at_once_is_an_error_with_its_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let service = Service::new("registry", directory.path());
        let mut command = Command::new("sh");
        let error = service.start(command.args(["-c", "echo no port >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "the registry ended at once: no port");
    }
}
