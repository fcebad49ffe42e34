//! How registries are reached: TLS roots, proxies, mirrors, and where plain HTTP is allowed.

mod hosts;
mod mirror;
mod proxy;
mod redirect;
mod roots;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use notes_oci::Registry;
use reqwest::Url;
use rustls::RootCertStore;

use self::hosts::Shown;
pub(crate) use self::redirect::is_safe;
pub use self::{
    hosts::HostCertificates,
    mirror::{Mirror, MirrorError},
    proxy::Proxies,
    roots::{Roots, RootsError},
};

/// A registry that does not even accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// No byte in either direction for so long is a stall, however long the transfer may take (ggcr#1766).
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Where the API of Docker Hub answers.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// The error returned when no HTTP client can be made of the options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// A certificate file is of no use.
    #[error("failed to load certificates")]
    Roots {
        /// Why.
        source: RootsError,
    },
    /// A proxy is of no use. Its address is not shown; it may hold a password.
    #[error("the proxy of `{scheme}` is not an address")]
    Proxy {
        /// `http` or `https`.
        scheme: &'static str,
    },
    /// The TLS library or the HTTP client refuses.
    #[error("failed to set up the HTTP client")]
    Client {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The HTTP clients: one for all hosts, and one for each host that has certificates of its own.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    any: reqwest::Client,
    own: BTreeMap<String, reqwest::Client>,
}

impl Clients {
    pub(crate) fn new(
        roots: &Roots,
        certificates: &HostCertificates,
        proxies: &Proxies,
        user_agent: &str,
    ) -> Result<Self, TransportError> {
        let unusable = |source| TransportError::Roots { source };
        let store = roots.load().map_err(unusable)?;
        let own = certificates.load().map_err(unusable)?.into_iter().map(|(host, files)| {
            let mut store = store.clone();
            let shown = files.load(&mut store).map_err(unusable)?;
            Ok((host, client(store, shown, proxies, user_agent)?))
        });
        let own = own.collect::<Result<_, TransportError>>()?;
        Ok(Self { own, any: client(store, None, proxies, user_agent)? })
    }

    /// Returns the client that requests to any host can be made with.
    pub(crate) fn any(&self) -> &reqwest::Client {
        &self.any
    }

    /// Returns the client that talks to the host of `url`.
    pub(crate) fn of(&self, url: &Url) -> &reqwest::Client {
        let host = url.host_str().unwrap_or_default();
        let own = match url.port() {
            Some(port) => self.own.get(&format!("{host}:{port}")),
            None => self.own.get(host),
        };
        own.unwrap_or(&self.any)
    }
}

/// Returns a client that trusts `store` and shows `shown`.
///
/// It follows redirects only to places that are as safe (see [`redirect`]), and never tries again by itself: a retry
/// hidden below ours would multiply with it.
fn client(
    store: RootCertStore,
    shown: Option<Shown>,
    proxies: &Proxies,
    user_agent: &str,
) -> Result<reqwest::Client, TransportError> {
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| TransportError::Client { source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusting = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.into()))?
        .with_root_certificates(store);
    let mut tls = match shown {
        None => trusting.with_no_client_auth(),
        Some((certificates, key)) => trusting
            .with_client_auth_cert(certificates, key)
            .map_err(|error| unusable(error.into()))?,
    };
    // HTTP/1.1 alone: uploads run on connections of their own, and a registry's limit on one HTTP/2 connection
    // (window, streams, a proxy's total time) would hold all of them back.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http1_only()
        .retry(reqwest::retry::never())
        .redirect(redirect::policy())
        .no_proxy();
    for proxy in proxies.build()? {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| unusable(error.into()))
}

/// Returns the address of a registry's API.
///
/// Plain HTTP is spoken to this machine, and to hosts named for it; there is no switch that drops TLS everywhere.
pub(crate) fn base(registry: &Registry, plain_http: &[Registry]) -> Url {
    let host = if registry.is_docker_hub() { DOCKER_HUB_HOST } else { registry.as_str() };
    let is_plain = registry.is_loopback() || plain_http.contains(registry);
    let scheme = if is_plain { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{host}/v2/")).expect("a checked host makes an address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_named_hosts() {
        let named: Registry = "registry.local:5000".parse().unwrap();
        for (registry, expected) in [
            ("docker.io", "https://registry-1.docker.io/v2/"),
            ("localhost:5000", "http://localhost:5000/v2/"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/v2/"),
            ("[::1]:5000", "http://[::1]:5000/v2/"),
            ("registry.local:5000", "http://registry.local:5000/v2/"),
            ("registry.local:5001", "https://registry.local:5001/v2/"),
            ("127.0.0.1.example.com", "https://127.0.0.1.example.com/v2/"),
        ] {
            let base = base(&registry.parse().unwrap(), std::slice::from_ref(&named));
            assert_eq!(base.as_str(), expected);
        }
    }
}
