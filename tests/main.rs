//! Tests across crates, on real servers.

mod architecture;
mod built;
mod clients;
mod interop;

/// The client wants a provider of cryptography even for plain HTTP.
fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
