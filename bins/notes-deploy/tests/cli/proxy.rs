//! A way to the API server on which every request is counted, and which can be cut.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use futures::AsyncReadExt as _;
use kube::{Client, client::Body};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Passes requests on, in plain HTTP on this side.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    cut: watch::Sender<u32>,
    listening: JoinHandle<()>,
}

struct Shared {
    client: Client,
    /// `GET /api/v1/…`, with the query.
    seen: Mutex<Vec<String>>,
    /// Statuses with which the next watches are answered.
    refusals: Mutex<VecDeque<u16>>,
}

impl Proxy {
    /// Starts it before the server that `client` knows.
    pub(crate) async fn start(client: Client) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (seen, refusals) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { client, seen, refusals });
        let (cut, is_cut) = watch::channel(0);
        let serving = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, mut is_cut) = (Arc::clone(&serving), is_cut.clone());
                is_cut.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        // A client that goes away is none of a proxy's troubles.
                        _ = serve(&shared, stream) => {}
                        _ = is_cut.changed() => {}
                    }
                });
            }
        });
        Ok(Self { address, shared, cut, listening })
    }

    /// Returns a kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: proxy\n\
             clusters: [{{name: proxy, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: proxy, user: {{}}}}]\n\
             contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy}}}}]\n",
            self.address
        )
    }

    /// Returns the requests since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    /// Ends every connection, without a word.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    /// Has the next watches answered with these statuses.
    pub(crate) fn refuse_watches(&self, statuses: &[u16]) {
        self.shared.refusals.lock().unwrap().extend(statuses);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Tells whether a request is a watch.
pub(crate) fn is_watch(request: &str) -> bool {
    request.contains("watch=true")
}

async fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let mut request = http::Request::builder().method(method).uri(target);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "host" | "connection" => {}
                name => request = request.header(name, value),
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let name = format!("{method} {target}");
        shared.seen.lock().unwrap().push(name.clone());
        let request = request.body(body).map_err(io::Error::other)?;
        if is_watch(&name) {
            pass_on_a_watch(shared, request, stream.get_mut()).await?;
        } else {
            pass_on(shared, request, stream.get_mut()).await?;
        }
    }
}

async fn pass_on(
    shared: &Shared,
    request: http::Request<Vec<u8>>,
    stream: &mut TcpStream,
) -> io::Result<()> {
    let answer = shared.client.send(request.map(Body::from)).await.map_err(io::Error::other)?;
    let (parts, body) = answer.into_parts();
    let body = body.collect_bytes().await.map_err(io::Error::other)?;
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default()
    };
    let (kind, date) = (header("content-type"), header("date"));
    let length = body.len();
    let head = format!("HTTP/1.1 {}\r\n{kind}{date}content-length: {length}\r\n\r\n", parts.status);
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}

async fn pass_on_a_watch(
    shared: &Shared,
    request: http::Request<Vec<u8>>,
    stream: &mut TcpStream,
) -> io::Result<()> {
    let refusal = shared.refusals.lock().unwrap().pop_front();
    if let Some(code) = refusal {
        let status = format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","message":"too old","code":{code}}}"#
        );
        let head = format!(
            "HTTP/1.1 {code} Refused\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            status.len()
        );
        return stream.write_all((head + &status).as_bytes()).await;
    }
    let events = shared.client.request_stream(request).await.map_err(io::Error::other)?;
    let mut events = std::pin::pin!(events);
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = events.read(&mut buffer).await?;
        stream.write_all(format!("{count:x}\r\n").as_bytes()).await?;
        stream.write_all(&buffer[..count]).await?;
        stream.write_all(b"\r\n").await?;
        if count == 0 {
            return Ok(());
        }
    }
}
