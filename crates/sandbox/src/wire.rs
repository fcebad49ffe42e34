//! What the process and its re-executed child say to each other: length-prefixed JSON over the
//! socket that is the child's standard input.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::ids::Ids;
use crate::mounts::Secret;
use crate::output::Exit;

/// What a child is started for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Make name spaces and try everything a command needs in them.
    Trial(Trial),
    /// Try everything a command needs below a changed root directory.
    ChrootTrial { parent: i32 },
    /// Run a command in name spaces.
    Run(Box<Run>),
    /// Run a command below a changed root directory.
    Confined(Box<Confined>),
}

/// See [`Request::Trial`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) user_namespace: bool,
    pub(crate) parent: i32,
}

/// See [`Request::Run`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) command: Command,
    pub(crate) ids: Ids,
    pub(crate) resolv_conf: Vec<u8>,
    pub(crate) hosts: Vec<u8>,
    pub(crate) parent: i32,
}

/// See [`Request::Confined`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Confined {
    pub(crate) command: Command,
    pub(crate) ids: Ids,
    /// The private copy, with everything in it.
    #[serde(with = "path")]
    pub(crate) root: PathBuf,
    pub(crate) confidential: Vec<Confidential>,
    pub(crate) parent: i32,
}

/// What is written into a file that is there, and wiped when the command has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Confidential {
    #[serde(with = "path")]
    pub(crate) path: PathBuf,
    pub(crate) content: Secret,
}

/// What a child answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// A trial has its user namespace and waits for the id maps.
    Unshared,
    /// A trial succeeded; its name spaces can be joined while it waits.
    Ready,
    /// The command ended.
    Exited(Exit),
    /// It came to nothing.
    Failed(Failure),
}

/// What the parent says to a waiting trial.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The id maps are written.
    Mapped,
}

/// An attempt that failed inside a child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// What was being done, as "failed to …" continues.
    pub(crate) doing: String,
    /// The system's error number.
    pub(crate) errno: i32,
}

/// What a failure means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureKind {
    /// The machine refused something the sandbox needs.
    Setup,
    /// The working directory cannot be entered.
    Directory,
    /// The program is nowhere.
    NotFound,
    /// The program is there, its interpreter or loader is not.
    NoInterpreter,
    /// The program is there and cannot be executed.
    NotExecutable,
}

impl Failure {
    pub(crate) fn source(&self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

/// Gives an [`io::Result`] the words for what was being done.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            kind: FailureKind::Setup,
            doing: doing(),
            errno: error.into().raw_os_error().unwrap_or(libc::EIO),
        })
    }
}

/// Writes one message.
pub(crate) fn send(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    to.write_all(&[&length.to_le_bytes()[..], &body].concat())
}

/// Reads one message; `None` when the other side is gone.
pub(crate) fn receive<T: DeserializeOwned>(mut from: impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = Vec::new();
    from.take(u32::from_le_bytes(length).into()).read_to_end(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// A path as its bytes, since JSON strings cannot hold every path.
pub(crate) mod path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    pub(super) enum Either<'a> {
        Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
        Bytes(Vec<u8>),
    }

    pub(super) fn to_wire(path: &Path) -> Either<'_> {
        match path.to_str() {
            Some(text) => Either::Text(text.into()),
            None => Either::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    pub(super) fn from_wire(either: Either<'_>) -> PathBuf {
        match either {
            Either::Text(text) => PathBuf::from(text.into_owned()),
            Either::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        }
    }

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        to_wire(path).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Either::deserialize(from).map(from_wire).map_err(D::Error::custom)
    }
}

/// Several paths, each as in [`path`].
pub(crate) mod paths {
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::path::{Either, from_wire, to_wire};

    pub(crate) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| to_wire(path)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let paths = Vec::<Either<'_>>::deserialize(from)?;
        Ok(paths.into_iter().map(from_wire).collect())
    }
}
