//! The embedded registry: the distribution spec 1.1 over a directory (feature `server`).
//!
//! It is for demos, tests, air-gapped pipelines and as a cache beside a build; docker, skopeo, crane, buildah, containerd
//! and this crate pull from it and push to it. It speaks HTTP/1.1, plain or over TLS, to everybody or to [`Users`] with
//! rights per repository.
//!
//! What is acknowledged is on the disk: bytes go to a temporary file, are hashed as they arrive, synced and renamed,
//! and a tag is written after everything it leads to. A server killed at any moment starts again from what was
//! acknowledged, and uploads in chunks go on where they were. [`prune`] removes what nothing leads to, also while it runs.
//!
//! What the specification leaves open: digests are sha256 alone; a manifest whose parts were not pushed is refused, so that
//! no name ever leads to half an image; tags that led to a manifest go with it; a manifest may have 8 MiB.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use notes_registry::server::{Options, Server};
//!
//! let directory = tempfile::tempdir()?;
//! let server = Server::bind(([127, 0, 0, 1], 0).into(), Options::new(directory.path())).await?;
//! let image = format!("{}/app:latest", server.local_addr());
//! # drop(image);
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod access;
mod blobs;
mod lists;
mod manifests;
mod prune;
mod range;
mod refusal;
mod route;
mod storage;
mod tls;
mod uploads;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, serve::ListenerExt as _};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::{
    access::{Access, Action, Grant, Repositories, RightsError, User, Users},
    prune::{PruneError, PruneOptions, Pruned, prune},
    tls::{Tls, TlsError},
};
use self::{route::Registry, storage::Storage};

/// How long requests under way may take after [`Server::shutdown`].
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// What the embedded registry serves, and to whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory everything lies in; it is created where it is missing.
    pub root: PathBuf,
    /// Who may read and write.
    pub access: Access,
    /// Whether anything may be changed.
    pub mode: Mode,
    /// The certificate that it shows, `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// Whether a power failure may lose what was acknowledged.
    pub durability: Durability,
}

impl Options {
    /// Returns the options of an open, durable registry in `root`.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self {
            root: root.as_ref().to_owned(),
            access: Access::default(),
            mode: Mode::default(),
            tls: None,
            durability: Durability::default(),
        }
    }
}

/// Whether anything may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Who has the right to pushes and deletes.
    #[default]
    ReadWrite,
    /// Nobody pushes or deletes.
    ReadOnly,
}

/// Whether what was acknowledged survives a power failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Files and directories are synced before an answer.
    #[default]
    Synced,
    /// Nothing is synced: survives a killed server, not a failing machine. For tests and throw-away registries.
    Unsynced,
}

/// The error returned when the embedded registry does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The directory cannot be used.
    #[error("failed to prepare the registry directory `{}`", path.display())]
    Root {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificate or the key cannot be used.
    #[error("failed to prepare TLS")]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("failed to listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

impl ServeError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, source } => match source.kind() {
                io::ErrorKind::AddrInUse => Some(format!(
                    "another program listens on port {}; choose another",
                    address.port()
                )),
                io::ErrorKind::PermissionDenied => {
                    Some("ports below 1024 are for root; choose a higher one".into())
                }
                io::ErrorKind::AddrNotAvailable => {
                    Some(format!("no interface of this machine has the address {}", address.ip()))
                }
                _ => None,
            },
            Self::Root { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("the registry writes there; choose a directory of this user".into())
            }
            Self::Tls(error) => error.hint(),
            Self::Root { .. } => None,
        }
    }
}

/// A running registry. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts a registry on `address`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`ServeError`] where the directory or the address cannot be used.
    pub async fn bind(address: SocketAddr, options: Options) -> Result<Self, ServeError> {
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let router = router(options)?;
        let listening = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = match tls {
            None => {
                // Answers are written whole; waiting for more would only delay them.
                let listener = listener.tap_io(|connection| {
                    let _ = connection.set_nodelay(true);
                });
                let serve = axum::serve(listener, router).with_graceful_shutdown(stopped);
                tokio::spawn(serve.into_future())
            }
            Some(acceptor) => {
                let listener = tls::Listener::new(listener, acceptor);
                let serve = axum::serve(listener, router).with_graceful_shutdown(stopped);
                tokio::spawn(serve.into_future())
            }
        };
        Ok(Self { address, stop, task })
    }

    /// Returns the address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets requests under way finish for a few seconds, and returns when all is closed.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(SHUTDOWN_GRACE, &mut self.task).await.is_err() {
            tracing::warn!("requests were still under way and are cut off");
            self.task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Returns the registry as an axum router, for a program that brings its own listener or wraps it in layers.
///
/// # Errors
///
/// [`ServeError::Root`] where the directory cannot be used.
pub fn router(options: Options) -> Result<Router, ServeError> {
    let Options { root, access, mode, tls, durability } = options;
    let storage = Storage::open(&root, durability, mode)
        .map_err(|source| ServeError::Root { path: root, source })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let registry = Registry::new(storage, access, mode, scheme);
    Ok(Router::new().fallback(route::serve).with_state(Arc::new(registry)))
}
