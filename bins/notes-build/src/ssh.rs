//! `--ssh`: the agents whose keys `RUN --mount=type=ssh` may use, in docker's syntax.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use notes_console::{Environment, Failure, Kind, environment::SSH_AUTH_SOCK};

use crate::failure;

/// The id of an agent where `RUN --mount=type=ssh` names none.
const DEFAULT: &str = "default";

/// An agent, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    id: String,
    /// Absent where it is that of this session, and there is none.
    socket: Option<PathBuf>,
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        self.socket.iter().try_for_each(|socket| write!(f, "={}", socket.display()))
    }
}

impl Agent {
    /// Parses the value of one `--ssh`: `default` or another id for the agent of this session, or `ID=SOCKET`.
    pub(crate) fn parse(
        text: &str,
        environment: &Environment,
        current: &Path,
    ) -> Result<Self, Failure> {
        let (id, socket) = match text.split_once('=') {
            Some((id, socket)) => (id, Some(socket)),
            None => (text, environment.value(SSH_AUTH_SOCK)),
        };
        let id = if id.is_empty() { DEFAULT } else { id };
        if socket.is_some_and(|socket| socket.contains(',')) {
            let message = format!("`--ssh {id}=…` names several paths");
            return Err(Failure::message(Kind::Usage, message).with_hint(WITH_AGENT));
        }
        Ok(Self { id: id.into(), socket: socket.map(|socket| current.join(socket)) })
    }

    /// Returns the socket, which is there.
    fn socket(&self) -> Result<&Path, Failure> {
        let socket = self.socket.as_deref().ok_or_else(no_agent)?;
        check(socket)?;
        Ok(socket)
    }
}

/// How a key gets into an agent.
const WITH_AGENT: &str =
    "keys are used through an agent: `eval $(ssh-agent)`, `ssh-add KEY`, then `--ssh default`";

fn no_agent() -> Failure {
    let message = "`--ssh` is to use the agent of this session, and `SSH_AUTH_SOCK` is not set";
    Failure::message(Kind::Configuration, message).with_hint(WITH_AGENT)
}

/// Docker also takes a file with a key and plays the agent; here it would be read by us, who need not know it.
fn check(path: &Path) -> Result<(), Failure> {
    let unusable = |error: io::Error| failure::path(path, error);
    if fs::metadata(path).map_err(unusable)?.file_type().is_socket() {
        return Ok(());
    }
    let message = format!("`{}` is not the socket of an agent", path.display());
    Err(Failure::message(Kind::Configuration, message).with_hint(WITH_AGENT))
}

/// Returns the sockets by id.
pub(crate) fn sockets(agents: &[Agent]) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut sockets = BTreeMap::new();
    for agent in agents {
        if sockets.insert(agent.id.clone(), agent.socket()?.into()).is_some() {
            let message = format!("the agent `{}` is given twice", agent.id);
            return Err(Failure::message(Kind::Usage, message));
        }
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn agents_are_named_as_docker_names_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let _listener = UnixListener::bind(&path).unwrap();
        std::fs::write(directory.path().join("key"), "-----BEGIN").unwrap();
        let environment = Environment::from_iter([("SSH_AUTH_SOCK", path.to_str().unwrap())]);
        let parse = |text, environment| Agent::parse(text, environment, directory.path()).unwrap();
        let read = |text, environment| sockets(&[parse(text, environment)]);
        for (text, id) in [("default", "default"), ("git", "git"), ("git=agent", "git")] {
            assert_eq!(read(text, &environment).unwrap(), [(id.into(), path.clone())].into());
        }
        let failure = |text| read(text, &environment).unwrap_err().to_string();
        assert!(failure("default=key").ends_with("/key` is not the socket of an agent"));
        assert!(failure("default=missing").contains("/missing`"));
        assert!(Agent::parse("default=a,b", &environment, Path::new("/")).is_err());
        let empty = Environment::default();
        let failure = read("default", &empty).unwrap_err();
        assert!(failure.to_string().contains("SSH_AUTH_SOCK"));
        let twice = [parse("default", &environment), parse("=agent", &environment)];
        let failure = sockets(&twice).unwrap_err();
        assert_eq!(failure.to_string(), "the agent `default` is given twice");
    }
}
