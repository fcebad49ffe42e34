//! A web server that does what a test says.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A request.
#[derive(Clone, Debug, Default)]
pub struct WebRequest {
    /// `GET` or another method.
    pub method: String,
    /// The path, with the query behind it.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Vec<u8>,
}

impl WebRequest {
    /// Returns the value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct WebAnswer {
    /// Status and reason, such as `200 OK`.
    pub status: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The content.
    pub body: Vec<u8>,
}

impl WebAnswer {
    /// Returns an answer of this status with this content.
    pub fn new(status: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: status.into(), headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A server on loopback: one request per connection, each answered by a function. Dropping it ends it.
///
/// ```
/// use notes_testkit::{WebAnswer, WebServer};
///
/// let server = WebServer::start(|request| WebAnswer::new("200 OK", request.target.as_str()));
/// assert!(server.url("/file").starts_with("http://127.0.0.1:"));
/// ```
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

impl WebServer {
    /// Starts a server whose answers `answer` makes.
    ///
    /// # Panics
    ///
    /// When loopback cannot be listened on.
    pub fn start(answer: impl Fn(&WebRequest) -> WebAnswer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (lines, over) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let server = Self { address, lines: Arc::clone(&lines), over: Arc::clone(&over) };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, lines) = (Arc::clone(&answer), Arc::clone(&lines));
                // Whoever breaks off a connection has its own test of that.
                thread::spawn(move || drop(serve(&stream, &*answer, &lines)));
            }
        });
        server
    }

    /// Returns the address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the host and the port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the requests since the last call, a line each: method, path and, of git's, the command.
    pub fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(
    stream: &TcpStream,
    answer: &dyn Fn(&WebRequest) -> WebAnswer,
    lines: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let request = read(&mut BufReader::new(stream))?;
    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line(&request));
    let WebAnswer { status, headers, body } = answer(&request);
    let mut out = BufWriter::new(stream);
    write!(out, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "Content-Length: {}\r\n\r\n", body.len())?;
    out.write_all(&body)?;
    out.flush()
}

fn read(reader: &mut impl BufRead) -> io::Result<WebRequest> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let mut request = WebRequest {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        ..WebRequest::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut request.body)?;
    Ok(request)
}

fn line(request: &WebRequest) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let body = String::from_utf8_lossy(&request.body);
    let command = body.lines().next().and_then(|line| line.split_once("command="));
    let command = command.map(|(_, command)| format!(" {command}")).unwrap_or_default();
    format!("{} {path}{command}", request.method)
}
