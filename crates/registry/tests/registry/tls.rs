//! The embedded server over TLS, with certificates that openssl makes.

use std::{path::Path, sync::Arc};

use notes_registry::server::Tls;
use reqwest::Client;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{certificates::make_certificates, clients::has, running::Running};

/// Returns a client that trusts the authority, and shows a certificate if one is named.
fn client(directory: &Path, shown: Option<&str>) -> Client {
    let certificate = |name: &str| CertificateDer::from_pem_file(directory.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.crt")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(name) => {
            let key = PrivateKeyDer::from_pem_file(directory.join(format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(vec![certificate(&format!("{name}.pem"))], key).unwrap()
        }
    };
    Client::builder().no_proxy().tls_backend_preconfigured(config).build().unwrap()
}

#[tokio::test]
async fn a_client_shows_a_certificate_where_authorities_are_named() {
    let test = "a_client_shows_a_certificate_where_authorities_are_named";
    if !has("openssl") {
        return notes_testkit::skip(test, "openssl is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    make_certificates(directory.path());
    let tls = Tls {
        certificate: at("server.pem"),
        key: at("server.key"),
        client_authorities: Some(at("ca.crt")),
    };
    let running = Running::with(|options| options.tls = Some(tls)).await;
    let address = running.server.local_addr();
    // One that connects and says nothing keeps nobody waiting.
    let _silent = std::net::TcpStream::connect(address).unwrap();
    let get = |shown| client(directory.path(), shown).get(format!("https://{address}/v2/")).send();
    assert_eq!(get(Some("client")).await.unwrap().status(), 200);
    assert!(get(None).await.is_err(), "nobody without one");
    let plain = running.http.get(format!("http://{address}/v2/")).send().await;
    assert!(plain.is_err(), "nobody without TLS");
}
