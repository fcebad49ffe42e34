//! The embedded registry: the distribution spec 1.1 over a directory (feature `server`).
//!
//! It is for demos, tests, air-gapped pipelines and as a cache beside a build; docker, skopeo, containerd and this
//! crate pull from it and push to it. It speaks plain HTTP and belongs on loopback or behind a proxy that ends TLS.
//!
//! What is acknowledged is on the disk: bytes go to a temporary file, are hashed as they arrive, synced and renamed,
//! and a tag is written after everything it leads to. A server killed at any moment starts again from what was
//! acknowledged; uploads that were under way are gone and their clients begin anew.
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
mod range;
mod refusal;
mod route;
mod storage;
mod uploads;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::access::Access;
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
    /// Whether a power failure may lose what was acknowledged.
    pub durability: Durability,
}

impl Options {
    /// Returns the options of an open, durable registry in `root`.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self {
            root: root.as_ref().to_owned(),
            access: Access::default(),
            durability: Durability::default(),
        }
    }
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
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                Some(format!("another program listens on port {}; choose another", address.port()))
            }
            _ => None,
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
        let router = router(options)?;
        let listening = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serve = axum::serve(listener, router).with_graceful_shutdown(stopped);
        Ok(Self { address, stop, task: tokio::spawn(serve.into_future()) })
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
    let storage = Storage::open(&options.root, options.durability)
        .map_err(|source| ServeError::Root { path: options.root, source })?;
    let registry = Registry::new(storage, options.access);
    Ok(Router::new().fallback(route::serve).with_state(Arc::new(registry)))
}
