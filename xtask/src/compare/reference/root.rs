//! A Debian root directory with the builders in it, made once a machine.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use notes_oci::Digest;
use notes_testkit::process;

/// Debian's suite. Stable's docker (26) and buildah (1.39) are older than much of the language:
/// `--exclude`, symbolic `--chmod`, `${name#pattern}`.
const SUITE: &str = "sid";
const ARCHIVE: &str = "http://deb.debian.org/debian";
const PACKAGES: [&str; 10] = [
    "docker.io",
    "docker-cli",
    "docker-buildx",
    "buildah",
    // buildah looks for it whatever network is asked for.
    "netavark",
    "runc",
    "busybox-static",
    "iptables",
    "ca-certificates",
    // docker unpacks `.xz` with it.
    "xz-utils",
];
/// Enters the directory.
const ENTER: &str = include_str!("enter.sh");

/// The directory, held by this process alone.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    _lock: File,
}

/// The network that a program in the directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// That of this machine.
    Machine,
    /// One of its own, where what it sets up disturbs nobody.
    Own,
}

/// The error returned when the builders are not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    #[error("the builders to compare with run as root only")]
    NotRoot,
    #[error("`{program}` is not installed (apt-get install {package})")]
    Missing { program: &'static str, package: &'static str },
    #[error(
        "the builders to compare with are not there; `cargo xtask compare dockerfile` makes them"
    )]
    NotMade,
    #[error("mmdebstrap could not make `{}`; its last words: {words}", path.display())]
    Bootstrap { path: PathBuf, words: String },
    #[error("failed to use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Root {
    /// Opens the directory in `cache`.
    pub(crate) fn open(cache: &Path) -> Result<Self, RootError> {
        if !process::is_root() {
            return Err(RootError::NotRoot);
        }
        let path = directory(cache);
        if !path.is_dir() {
            return Err(RootError::NotMade);
        }
        let lock_path = path.with_extension("lock");
        let failed = |source| RootError::Io { path: lock_path.clone(), source };
        let lock = File::create(&lock_path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { path, _lock: lock })
    }

    /// Opens the directory in `cache`, and makes it where it is not there.
    pub(crate) fn make(cache: &Path, say: &mut dyn FnMut(&str)) -> Result<Self, RootError> {
        match Self::open(cache) {
            Err(RootError::NotMade) => {}
            opened => return opened,
        }
        if process::find("mmdebstrap").is_none() {
            return Err(RootError::Missing { program: "mmdebstrap", package: "mmdebstrap" });
        }
        let path = directory(cache);
        let draft = path.with_extension("partial");
        let failed = |source| RootError::Io { path: draft.clone(), source };
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(failed)?;
        }
        fs::create_dir_all(cache).map_err(failed)?;
        say(&format!(
            "making a root of Debian {SUITE} with {} (about a minute)",
            PACKAGES.join(", ")
        ));
        let mut words = Vec::new();
        let status = process::stream(&mut mmdebstrap(&draft), |line| words.push(line.to_owned()))
            .map_err(failed)?;
        if !status.success() {
            let words = words[words.len().saturating_sub(3)..].join(" / ");
            return Err(RootError::Bootstrap { path: draft, words });
        }
        fs::rename(&draft, &path).map_err(failed)?;
        Self::open(cache)
    }

    /// Returns where the directory is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a command that runs `program` in the directory.
    pub(crate) fn command(&self, network: Network, program: &str) -> Command {
        // It ends with this process, whatever ends this process.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "unshare", "--mount"]);
        if network == Network::Own {
            command.arg("--net");
        }
        command.args(["sh", "-c", ENTER, "enter.sh"]).arg(&self.path).arg(program);
        command.env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root");
        command
    }

    /// Returns the path that a file of the directory has for a program in it.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.path).expect("the path is one of the directory");
        Path::new("/").join(below)
    }
}

/// Another list of packages is another directory.
fn directory(cache: &Path) -> PathBuf {
    let content = Digest::of(format!("{SUITE} {}", PACKAGES.join(" ")));
    cache.join(format!("references-{SUITE}-{}", content.short()))
}

fn mmdebstrap(directory: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--quiet", "--variant=essential"])
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        // A mirror of sid that is a few weeks behind is good enough.
        .arg("--aptopt=Acquire::Check-Valid-Until \"false\"")
        .args([SUITE.as_ref(), directory.as_os_str(), ARCHIVE.as_ref()]);
    command
}
