//! A repository on a server: what its names stand for, and the objects of one commit.

mod address;
mod connection;
mod exchange;
mod fetch;
mod tip;
mod web;

use std::{io, path::PathBuf, sync::Arc};

use crate::{Id, OpenError};

use address::Address;

pub use tip::Tip;
pub use web::{Answer, Request, Web, WebError};

/// How this program calls itself in front of a server.
const AGENT: &str = concat!("git/notes-", env!("CARGO_PKG_VERSION"));

/// A repository on a server, reached over `https://`, `http://` or `git://`.
///
/// ```
/// # use notes_gitinfo::{Upstream, Web};
/// # fn find(web: std::sync::Arc<dyn Web>) -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = Upstream::new("https://example.com/group/project.git", web)?;
/// if let Some(tip) = upstream.resolve(Some("v1.2"))? {
///     println!("{}", tip.commit);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    address: Address,
    web: Arc<dyn Web>,
}

/// What a server is shown to let a reader in.
#[derive(Clone)]
pub enum Credential {
    /// A token, sent as the password of `x-access-token`: forges take any name beside one.
    Token(String),
    /// The whole value of the header `Authorization`.
    Header(String),
}

/// The error returned when a repository on a server cannot be read. Addresses are shown without what is secret in them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// It is not reached over a protocol that is spoken here.
    #[error("`{address}` is not the address of a repository behind https://, http:// or git://")]
    Address {
        /// The address.
        address: String,
    },
    /// The server of a `git://` address cannot be reached.
    #[error("failed to connect to `{host}`")]
    Connect {
        /// Its name and port.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// The HTTP client fails, or the server refuses.
    #[error(transparent)]
    Web {
        /// How.
        source: WebError,
    },
    /// The server does not do what was asked.
    #[error("failed to {task} `{address}`")]
    Server {
        /// What was asked.
        task: &'static str,
        /// The repository.
        address: String,
        /// Why.
        source: Box<gix::Error>,
    },
    /// It has no such commit, or does not give it away.
    #[error("`{address}` has no commit {id}")]
    NoCommit {
        /// The repository.
        address: String,
        /// The commit.
        id: Id,
    },
    /// What was fetched cannot be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was fetched cannot be read.
    #[error("failed to read what was fetched")]
    Open {
        /// Why.
        source: OpenError,
    },
}

impl Upstream {
    /// Returns the repository at `address`; what is sent over HTTP goes through `web`.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Address`]; nothing is sent yet.
    pub fn new(address: &str, web: Arc<dyn Web>) -> Result<Self, UpstreamError> {
        let parsed = Address::parse(address);
        let address = parsed.ok_or_else(|| UpstreamError::Address { address: address.into() })?;
        Ok(Self { address, web })
    }

    /// Shows `credential` to the server, unless its address has one. It is sent to no other server, wherever this one leads.
    pub fn with_credential(mut self, credential: Option<&Credential>) -> Self {
        if let (Some(credential), None) = (credential, &self.address.authorization) {
            self.address.authorization = Some(credential.header());
        }
        self
    }

    /// Returns the repository at another address, a submodule say, which is shown the same credential if it is on the same
    /// server.
    ///
    /// # Errors
    ///
    /// As [`Upstream::new`].
    pub fn beside(&self, address: &str) -> Result<Self, UpstreamError> {
        let mut other = Self::new(address, Arc::clone(&self.web))?;
        let is_same = exchange::origin(&other.address()) == exchange::origin(&self.address());
        if other.address.authorization.is_none() && is_same {
            other.address.authorization.clone_from(&self.address.authorization);
        }
        Ok(other)
    }

    /// Returns the address without what is secret in it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}
