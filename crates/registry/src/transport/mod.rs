//! How registries are reached: TLS roots, proxies, mirrors, and where plain HTTP is allowed.

mod mirror;
mod proxy;
mod redirect;
mod roots;

use std::{sync::Arc, time::Duration};

use notes_oci::Registry;
use reqwest::Url;

pub(crate) use self::redirect::is_safe;
pub use self::{
    mirror::{Mirror, MirrorError},
    proxy::Proxies,
    roots::{Roots, RootsError},
};

/// A registry that does not even accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// No byte in either direction for so long is a stall, however long the transfer may take (ggcr#1766).
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
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

/// Returns the client that all requests go through.
///
/// It follows redirects only to places that are as safe (see [`redirect`]), and never tries again by itself: a retry
/// hidden below ours would multiply with it.
pub(crate) fn client(
    roots: &Roots,
    proxies: &Proxies,
    user_agent: &str,
) -> Result<reqwest::Client, TransportError> {
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| TransportError::Client { source };
    let store = roots.load().map_err(|source| TransportError::Roots { source })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.into()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    // HTTP/1.1 alone: uploads run on connections of their own, and a registry's limit on one HTTP/2 connection
    // (window, streams, a proxy's total time) would hold all of them back.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(IDLE_TIMEOUT)
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
