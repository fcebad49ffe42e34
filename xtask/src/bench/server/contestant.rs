//! The servers that are compared.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{super::registry, Result};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contestant {
    Embedded,
    Distribution,
}

impl Contestant {
    pub(super) const ALL: [Self; 2] = [Self::Embedded, Self::Distribution];

    /// Starts it with nothing in it.
    pub(super) fn start(self, notes_build: &Path, root: &Path) -> Result<Running> {
        match self {
            Self::Embedded => embedded(notes_build, root).map(Running::Embedded),
            Self::Distribution => registry::Registry::start(root).map(Running::Distribution),
        }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "embedded",
            Self::Distribution => "CNCF distribution",
        })
    }
}

/// A server that runs, which ends when it is dropped.
pub(super) enum Running {
    Embedded(Embedded),
    Distribution(registry::Registry),
}

impl Running {
    pub(super) fn address(&self) -> String {
        match self {
            Self::Embedded(server) => server.address.clone(),
            Self::Distribution(server) => server.address().to_string(),
        }
    }

    /// Returns the most memory that it has had, in bytes (proc(5), `VmHWM`).
    pub(super) fn memory(&self) -> Result<u64> {
        let process = match self {
            Self::Embedded(server) => server.serving.id(),
            Self::Distribution(server) => server.process(),
        };
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak =
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        Ok(peak.ok_or("the kernel does not say how much memory a server had")? * 1024)
    }
}

/// `notes-build serve`.
pub(super) struct Embedded {
    serving: Child,
    address: String,
}

fn embedded(notes_build: &Path, root: &Path) -> Result<Embedded> {
    let mut serve = Command::new(notes_build);
    serve.args(["--quiet", "serve", "--address", "127.0.0.1:0", "--root"]).arg(root);
    let mut serving =
        serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let said = serving.stdout.take().ok_or("the server has no output")?;
    let mut embedded = Embedded { serving, address: String::new() };
    BufReader::new(said).read_line(&mut embedded.address)?;
    embedded.address.truncate(embedded.address.trim_end().len());
    if embedded.address.is_empty() {
        Err("`notes-build serve` does not start".into())
    } else {
        Ok(embedded)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}
