//! Servers of git repositories: git's own programs behind a socket of the test.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::fs::symlink},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tempfile::TempDir;

use crate::{TestRepo, WebAnswer, WebRequest, WebServer, repository, skip};

/// Serves repositories over HTTP (git-http-backend(1)) and over git's own protocol (git-daemon(1)), each as it is at the
/// moment: a commit that is made later is served, too.
///
/// ```no_run
/// # fn test() {
/// # use notes_testkit::{GitServer, TestRepo};
/// let Some(repository) = TestRepo::new("a_repository_is_served") else { return };
/// let Some(server) = GitServer::start("a_repository_is_served") else { return };
/// server.add("app.git", &repository);
/// println!("{} {}", server.web.url("/app.git"), server.url("/app.git"));
/// # }
/// ```
#[derive(Debug)]
pub struct GitServer {
    /// The server over HTTP.
    pub web: WebServer,
    root: TempDir,
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl GitServer {
    /// Starts a server without repositories, or says why `test` is skipped.
    pub fn start(test: &str) -> Option<Self> {
        Self::start_for(test, None)
    }

    /// The same for those alone who show `authorization`, the value of the header, over HTTP.
    ///
    /// # Panics
    ///
    /// When loopback cannot be listened on.
    pub fn start_for(test: &str, authorization: Option<&str>) -> Option<Self> {
        for program in ["http-backend", "daemon"] {
            if !is_there(program) {
                skip(test, &format!("git has no `{program}`"));
                return None;
            }
        }
        let root = tempfile::tempdir().expect("a temporary directory can be made");
        let (directory, wanted) = (root.path().to_owned(), authorization.map(str::to_owned));
        let web = WebServer::start(move |request| {
            if wanted.is_some() && request.header("authorization") != wanted.as_deref() {
                return WebAnswer::new("401 Unauthorized", "");
            }
            backend(&directory, request)
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback is free");
        let address = listener.local_addr().expect("a listener has an address");
        let over = Arc::new(AtomicBool::new(false));
        let (directory, is_over) = (root.path().to_owned(), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                daemon(&directory, stream);
            }
        });
        Some(Self { web, root, address, over })
    }

    /// Serves a repository under a name such as `group/app.git`.
    ///
    /// # Panics
    ///
    /// When the name is taken.
    pub fn add(&self, name: &str, repository: &TestRepo) {
        let path = self.root.path().join(name);
        let parent = path.parent().expect("a name is below the root");
        std::fs::create_dir_all(parent).expect("a directory can be made");
        symlink(repository.path().join(".git"), path).expect("a name is given once");
    }

    /// Returns the address of a repository over git's own protocol.
    pub fn url(&self, path: &str) -> String {
        format!("git://{}{path}", self.address)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

fn is_there(program: &str) -> bool {
    let path = Command::new("git").arg("--exec-path").output();
    path.is_ok_and(|output| {
        let directory = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&directory).join(format!("git-{program}")).exists()
    })
}

/// Answers a request by git's program for that, a CGI one.
fn backend(root: &Path, request: &WebRequest) -> WebAnswer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut command = repository::command("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", path).env("QUERY_STRING", query);
    command.env("REQUEST_METHOD", &request.method).env("REMOTE_ADDR", "127.0.0.1");
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-length", "CONTENT_LENGTH"),
        ("git-protocol", "HTTP_GIT_PROTOCOL"),
    ] {
        command.envs(request.header(name).map(|value| (variable, value)));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("git can be started");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let body = request.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().expect("git ends");
    writer.join().expect("a writer does not panic");
    parse(&output.stdout)
}

/// Reads the answer of a CGI program (RFC 3875, section 6).
fn parse(output: &[u8]) -> WebAnswer {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end else { return WebAnswer::new("500 Internal Server Error", "") };
    let mut answer = WebAnswer::new("200 OK", &output[end + 4..]);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => status.clone_into(&mut answer.status),
            Some((name, value)) => answer.headers.push((name.into(), value.into())),
            None => {}
        }
    }
    answer
}

/// Hands a connection to git's daemon.
fn daemon(root: &Path, stream: TcpStream) {
    let Ok(copy) = stream.try_clone() else { return };
    let mut command = repository::command("git");
    command
        .args(["daemon", "--inetd", "--export-all"])
        .arg(format!("--base-path={}", root.display()));
    command.stdin(OwnedFd::from(stream)).stdout(OwnedFd::from(copy)).stderr(Stdio::null());
    thread::spawn(move || command.status());
}
