//! What is to run, and in what.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mounts::Mount;
use crate::wire;

/// One command in one root file system.
///
/// Nothing is inherited from the caller: what is not written here does not exist inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// The root file system.
    pub root: Root,
    /// The program and its arguments. A name without `/` is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment, in order.
    pub env: Vec<(String, String)>,
    /// The working directory inside the root; it must exist.
    #[serde(with = "wire::path")]
    pub directory: PathBuf,
    /// Who runs it.
    pub user: User,
    /// What else is mounted for it, in order; later ones may lie inside earlier ones.
    pub mounts: Vec<Mount>,
    /// What it can reach.
    pub network: Network,
    /// The host name it sees. On a rung without name spaces that is the machine's: another one than
    /// [`DEFAULT_HOSTNAME`] is refused there.
    pub hostname: String,
    /// Further lines of `/etc/hosts`: address and name.
    pub hosts: Vec<(String, String)>,
    /// When it is ended, counted from its start.
    pub timeout: Option<Duration>,
}

impl Command {
    /// Returns a command that runs `argv` as root in `/`, with docker's default `PATH`, the
    /// host's network and nothing mounted.
    pub fn new(root: Root, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            root,
            argv: argv.into_iter().map(Into::into).collect(),
            env: vec![("PATH".to_owned(), DEFAULT_PATH.to_owned())],
            directory: PathBuf::from("/"),
            user: User::default(),
            mounts: Vec::new(),
            network: Network::default(),
            hostname: DEFAULT_HOSTNAME.to_owned(),
            hosts: Vec::new(),
            timeout: None,
        }
    }
}

/// The host name that a command sees where the caller chooses none.
pub const DEFAULT_HOSTNAME: &str = "build";

/// The `PATH` that docker and `BuildKit` set when an image sets none
/// (<https://github.com/moby/buildkit/blob/master/util/system/path.go>).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A root file system: unpacked layers that stay as they are, and a directory for what changes.
///
/// `upper` and `work` must lie on one file system that can be the upper side of an overlay (not
/// itself an overlay, not NFS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Unpacked layers, **the bottom one first**, each in overlay form (see
    /// [`changes`](crate::changes)). They are never written to. None at all is `FROM scratch`.
    #[serde(with = "wire::paths")]
    pub lowers: Vec<PathBuf>,
    /// Receives every change, in overlay form: neither mount points nor files that the sandbox
    /// provides appear in it. It may hold more than what is different, as an overlay copies a file up
    /// that is opened for writing. Usually empty when the command starts.
    #[serde(with = "wire::path")]
    pub upper: PathBuf,
    /// A directory of the caller's that is empty, and worthless afterwards. What the sandbox puts
    /// there is removed when the command has ended; after a `SIGKILL` the caller removes it.
    #[serde(with = "wire::path")]
    pub work: PathBuf,
    /// A directory of the caller's on the same file system that lives as long as its build. A rung
    /// without mounts keeps its private copy of the files there, and goes on in it when the next
    /// command comes whose `lowers` are these and, behind them, what became of this `upper`. Absent,
    /// the copy lies in `work` and is made for one command.
    #[serde(skip)]
    pub keep: Option<PathBuf>,
}

impl Root {
    /// Returns the root file system of `lowers` whose changes go to `upper`.
    pub fn new(lowers: Vec<PathBuf>, upper: PathBuf, work: PathBuf) -> Self {
        Self { lowers, upper, work, keep: None }
    }
}

/// Who runs the command: numbers, already looked up in the image's `/etc/passwd`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// What a command can reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The network of the machine, its `/etc/resolv.conf` and the lines of its `/etc/hosts`.
    #[default]
    Host,
    /// A loopback device of its own and nothing else.
    None,
}
