//! A socket of our own in front of an SSH agent: its owner and mode are what the Dockerfile says, whatever the agent's are.

use std::{
    fs::{self, File},
    io,
    net::Shutdown,
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Passes connections on to an agent until it is dropped.
#[derive(Debug)]
pub(super) struct Agent {
    path: PathBuf,
    /// The directory of the socket; see [`Agent::address`].
    directory: File,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The name of the socket in its directory.
const NAME: &str = "agent";

impl Agent {
    /// Listens in the new directory `place` for the agent at `socket`.
    pub(super) fn listen(place: &Path, socket: &Path) -> io::Result<Self> {
        // Whoever is to use a dead agent learns of it here, not from the program that fails without it.
        UnixStream::connect(socket)?;
        fs::create_dir(place)?;
        let directory = File::open(place)?;
        let listener = UnixListener::bind(Self::address(&directory))?;
        let stopped = Arc::new(AtomicBool::new(false));
        let (socket, ended) = (socket.to_owned(), Arc::clone(&stopped));
        let thread = thread::spawn(move || serve(&listener, &socket, &ended));
        Ok(Self { path: place.join(NAME), directory, stopped, thread: Some(thread) })
    }

    /// Returns the socket.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a short name of the socket: an address has room for 107 bytes (unix(7)), and stores can lie deep.
    fn address(directory: &File) -> PathBuf {
        Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(NAME)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread; without it there is nobody to wait for.
        if UnixStream::connect(Self::address(&self.directory)).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A thread that panicked has stopped as well.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &UnixListener, socket: &Path, stopped: &AtomicBool) {
    for connection in listener.incoming() {
        if stopped.load(Ordering::Acquire) {
            return;
        }
        let Ok(client) = connection else { return };
        // A client whose agent is gone sees its connection end.
        let Ok(agent) = UnixStream::connect(socket) else { continue };
        let (Ok(from_client), Ok(to_client)) = (client.try_clone(), client.try_clone()) else {
            continue;
        };
        let Ok(from_agent) = agent.try_clone() else { continue };
        // Each thread ends with its connection, which ends with the command at the latest.
        thread::spawn(move || pass(&from_client, &agent));
        thread::spawn(move || pass(&from_agent, &to_client));
    }
}

/// Copies one direction of a connection, and then ends it in both.
fn pass(mut from: &UnixStream, mut to: &UnixStream) {
    // Either side may go away at any time; there is nobody to tell.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_is_said_to_the_socket_reaches_the_agent_and_back() {
        let directory = tempfile::tempdir().unwrap();
        // Deeper than an address has room for.
        let deep = directory.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let socket = directory.path().join("real");
        let real = UnixListener::bind(&socket).unwrap();
        let echo = thread::spawn(move || {
            // The first connection only asks whether the agent lives.
            let mut stream = real.incoming().nth(1).unwrap().unwrap();
            let mut text = [0; 4];
            stream.read_exact(&mut text).unwrap();
            stream.write_all(&text).unwrap();
        });
        let agent = Agent::listen(&deep.join("place"), &socket).unwrap();
        let mut client = UnixStream::connect(Agent::address(&agent.directory)).unwrap();
        client.write_all(b"ping").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ping");
        echo.join().unwrap();
        drop(agent);
    }

    #[test]
    fn an_agent_that_does_not_answer_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = Agent::listen(&directory.path().join("place"), &directory.path().join("none"));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
