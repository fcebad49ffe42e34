//! TLS, with the handshakes beside the loop that accepts: a client that does not speak keeps nobody waiting.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The certificate of a registry, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those between it and the authority behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients have to show; nobody is asked for one if there is no file.
    pub client_authorities: Option<PathBuf>,
}

/// The error returned when certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There are no certificates in the file, or it cannot be read.
    #[error("failed to read certificates from `{}`", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// There is no private key in the file, or it cannot be read.
    #[error("failed to read a private key from `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// The key is not that of the certificate, or of a kind that is not known.
    #[error("the key `{}` does not serve the certificate `{}`", key.display(), certificate.display())]
    Unsuitable {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// The authorities cannot be used.
    #[error("the certificates of `{}` are no authorities for clients", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: VerifierBuilderError,
    },
}

impl TlsError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Key { source: pem::Error::NoItemsFound, .. }
            | Self::Certificates { source: pem::Error::NoItemsFound, .. } => {
                Some("the file has to be in PEM form: `-----BEGIN …-----`".into())
            }
            _ => None,
        }
    }
}

/// Reads the files.
pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|source| TlsError::Key { path: tls.key.clone(), source })?;
    let unsuitable = |source| TlsError::Unsuitable {
        key: tls.key.clone(),
        certificate: tls.certificate.clone(),
        source,
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unsuitable)?;
    let builder = match &tls.client_authorities {
        Some(path) => builder.with_client_cert_verifier(verifier(path)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unsuitable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Certificates { path: path.into(), source };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    if found.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(found) }
}

fn verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(path)?);
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|source| TlsError::Authorities { path: path.into(), source })
}

/// Accepts connections whose handshake is done.
#[derive(Debug)]
pub(super) struct Listener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: io::Result<SocketAddr>,
    accepting: JoinHandle<()>,
}

impl Listener {
    pub(super) fn new(listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        let (sender, ready) = mpsc::channel(16);
        let address = listener.local_addr();
        let accepting = tokio::spawn(async move {
            let mut listener = listener;
            loop {
                // As axum does it: what only concerns one connection is left out, else it waits a moment.
                let (connection, client) = axum::serve::Listener::accept(&mut listener).await;
                tokio::spawn(shake_hands(acceptor.clone(), connection, client, sender.clone()));
            }
        });
        Self { ready, address, accepting }
    }
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    connection: TcpStream,
    client: SocketAddr,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    // Answers are written whole; waiting for more would only delay them.
    let _ = connection.set_nodelay(true);
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(connection)).await {
        // Nobody receives any more where the registry has ended.
        Ok(Ok(stream)) => drop(ready.send((stream, client)).await),
        Ok(Err(error)) => tracing::debug!(%client, %error, "a handshake failed"),
        Err(_) => tracing::debug!(%client, "a handshake took too long"),
    }
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // Its sender lives in the task that accepts, which ends with this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.address.as_ref().copied().map_err(|error| io::Error::from(error.kind()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
