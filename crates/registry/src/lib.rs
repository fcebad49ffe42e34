//! Images over HTTP: a source and a sink on any registry, and an embedded registry server.
//!
//! [`Remote`] implements the ports of `notes_oci`: it reads an image whose layers stay where they are until they are
//! opened, and writes one so that its name appears last. It knows no Dockerfile and no cluster, prints nothing and
//! reads no environment, except in [`Keychain::from_env`] and [`Environment::read`].
//!
//! ```text
//! Reference ──Remote::image──▶ Image{Layer…}     a mirror, or the registry; every byte checked
//! Image ──Remote::write──▶ Pinned                HEAD, mount, send; manifest and tag last
//! Artifact ──Remote::attach──▶ Pinned            beside an image; Remote::referrers lists them
//! ImageIndex ──Remote::write_index──▶ Pinned     its images by digest, then the index and its tag
//! ```
//!
//! - **Requests are few.** There is no ping; challenges are answered where they come up. Pushing what is there costs
//!   one HEAD and, where a token is needed, the challenge and the token.
//! - **What may pass is tried again** ([`Retry`]); the unit is the request, and for a blob the blob. A download goes on
//!   where it broke, and an upload from the byte that the registry says it has. A token that ran out is replaced once.
//! - **A blob is sent in one request**, and in chunks where a registry asks for them (`OCI-Chunk-Min-Length`), refuses the
//!   whole (413), or has a part already. The last bytes go out only when all before them were right.
//! - **Other servers are asked the same way**: files that a Dockerfile adds, the answers of git servers ([`Remote::download`],
//!   [`Remote::exchange`]); they are shown no credential of a registry.
//! - **Credentials** come from a [`Keychain`] and go to the registry they are for, to its token server if that is as
//!   safe as the registry, and nowhere else: not along redirects, not into messages, not into `Debug`.
//! - **All requests go through one client of ours** rather than through `oci-client`, which remains the independent
//!   check in the tests. Its token cache takes one scope, so a mount cannot ask for its source; its errors lose
//!   `Retry-After`; a refused token is not replaced; redirects and token realms are not checked. With those written
//!   anew, a second client with connections and tokens of its own had nothing left to add (version 0.18).
//!
//! # Examples
//!
//! ```
//! # #[cfg(feature = "server")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use notes_oci::{Image, ImageSink, ImageSource, Platform};
//! use notes_registry::{Options, Remote, server};
//!
//! let directory = tempfile::tempdir()?;
//! let options = server::Options::new(directory.path());
//! let registry = server::Server::bind(([127, 0, 0, 1], 0).into(), options).await?;
//!
//! let remote = Remote::new(Options::default())?;
//! let platform = Platform::linux("amd64");
//! let image = Image::scratch(platform.clone());
//! let name = format!("{}/team/app:a3f92bd", registry.local_addr()).parse()?;
//! let pinned = remote.write(&image, &name).await?;
//! assert_eq!(remote.image(&pinned.reference(), &platform).await?, image);
//! # registry.shutdown().await;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "server"))]
//! # fn main() {}
//! ```

mod authorization;
mod client;
mod credentials;
mod download;
mod environment;
mod file;
mod locked;
mod progress;
mod pull;
mod push;
mod rate_limit;
mod referrers;
mod refusal;
mod remote;
mod request;
mod retry;
#[cfg(feature = "server")]
pub mod server;
mod stall;
mod transport;
mod upload;

pub use self::{
    credentials::{Credential, CredentialError, Found, Keychain, Lookup},
    environment::Environment,
    file::{Answer, Downloaded, Version},
    progress::{Blob, Direction, Outcome, Reporter, Silent},
    pull::PullError,
    push::{PushError, Retag},
    rate_limit::RateLimit,
    referrers::Artifact,
    refusal::Refusal,
    remote::{Options, Remote},
    request::RequestError,
    retry::Retry,
    transport::{
        HostCertificates, Mirror, MirrorError, Proxies, Roots, RootsError, TransportError,
    },
};
