//! Admission webhooks: one that says no to everything, and one that never says anything.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that refuses what it is asked about, over TLS as the API server wants it.
pub(crate) struct Denying {
    pub(crate) address: SocketAddr,
    /// Its certificate as the API server is told it: base64 of PEM.
    pub(crate) authority: String,
}

impl Denying {
    /// Starts it; it ends with the process. Needs `openssl` for the certificate, as the local node does.
    pub(crate) fn start(message: &'static str) -> io::Result<Self> {
        let directory = TempDir::new()?;
        let (certificate, key) = certificate(&directory)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(&certificate).map_err(io::Error::other)?],
                PrivateKeyDer::from_pem_slice(&key).map_err(io::Error::other)?,
            )
            .map_err(io::Error::other)?;
        let config = Arc::new(config);
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                // A client that goes away is none of a server's troubles.
                thread::spawn(move || deny(config, stream, message));
            }
        });
        Ok(Self { address, authority: base64(&certificate)? })
    }
}

/// Returns the address of a server that takes every connection and says nothing.
pub(crate) fn silent() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let _kept: Vec<_> = listener.incoming().collect();
    });
    Ok(address)
}

fn deny(config: Arc<ServerConfig>, mut socket: TcpStream, message: &str) -> io::Result<()> {
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(Stream::new(&mut connection, &mut socket));
    loop {
        let mut length = 0;
        let mut line = String::new();
        while stream.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        if length == 0 {
            return Ok(());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let review: Value = serde_json::from_slice(&body)?;
        let answer = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "response": {"uid": review["request"]["uid"], "allowed": false, "status": {"message": message}},
        })
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.get_mut().write_all((head + &answer).as_bytes())?;
        stream.get_mut().flush()?;
    }
}

fn certificate(directory: &TempDir) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let path = |name: &str| directory.path().join(name);
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=webhook"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .arg("-keyout")
        .arg(path("key"))
        .arg("-out")
        .arg(path("certificate"))
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other("openssl makes no certificate"));
    }
    Ok((std::fs::read(path("certificate"))?, std::fs::read(path("key"))?))
}

/// By the program that made the certificate: this crate has no encoder.
fn base64(bytes: &[u8]) -> io::Result<String> {
    let mut child = Command::new("openssl")
        .args(["base64", "-A"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().expect("it is piped").write_all(bytes)?;
    String::from_utf8(child.wait_with_output()?.stdout).map_err(io::Error::other)
}
