//! The API server: does it answer, which version is it, is its clock ours, how long is its certificate valid.

use std::{
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use kube::client::Body;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::Value;

use super::{Finding, Topic, certificate::expiry, credentials::dated};
use crate::{Cluster, RequestError, cluster::http_date, kubeconfig::Access};

/// How far clocks may be apart: tokens are issued for an hour, and certificates dated a few minutes back.
const SKEW: i64 = 60;

/// The oldest version that has all that is used here: strict field validation, on by default (1.25), and server-side apply (1.22).
const OLDEST: u32 = 25;

/// How long the server may take to show its certificate.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for the version, and reads the clock from the answer.
pub(super) async fn examine(
    cluster: &Cluster,
    now: Timestamp,
) -> Result<Vec<Finding>, RequestError> {
    let attempt = "ask for the version";
    let request =
        http::Request::get("/version").body(Body::empty()).expect("a request without a body");
    let answer =
        cluster.client().send(request).await.map_err(|error| cluster.error(attempt, error))?;
    let (parts, body) = answer.into_parts();
    let bytes = body.collect_bytes().await.map_err(|error| cluster.error(attempt, error))?;
    let version: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let mut found = Vec::new();
    if parts.status == http::StatusCode::UNAUTHORIZED {
        return Err(RequestError::Unauthorized {
            attempt: attempt.into(),
            server: cluster.server().into(),
        });
    }
    found.push(Finding::good(Topic::Server, format!("{} answers", cluster.server())));
    found.push(of_version(version["gitVersion"].as_str().unwrap_or_default()));
    let date = parts.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    found.extend(date.and_then(http_date).map(|theirs| clock(theirs, now)));
    Ok(found)
}

fn of_version(version: &str) -> Finding {
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    match minor {
        Some(minor) if minor < OLDEST => {
            Finding::problem(Topic::Version, format!("Kubernetes {version} is too old")).with_hint(
                format!("1.{OLDEST} is the oldest that checks the fields of what is applied"),
            )
        }
        Some(_) => Finding::good(Topic::Version, format!("Kubernetes {version}")),
        None => Finding::warning(Topic::Version, "the server does not say which Kubernetes it is"),
    }
}

fn clock(theirs: Timestamp, ours: Timestamp) -> Finding {
    let seconds = theirs.as_second() - ours.as_second();
    let text = format!(
        "this machine's is {} s {} the server's",
        seconds.abs(),
        if seconds > 0 { "behind" } else { "ahead of" }
    );
    if seconds.abs() > SKEW {
        Finding::warning(Topic::Clock, text)
            .with_hint("set it: tokens and certificates are refused by a clock that is wrong")
    } else {
        Finding::good(Topic::Clock, format!("within {SKEW} s of the server's"))
    }
}

/// Looks at the server's certificate, which is taken as it comes: whether it is trusted, the client decides for itself.
pub(super) async fn certificate(access: &Access, now: Timestamp) -> Option<Finding> {
    let url = &access.config.cluster_url;
    // Behind a proxy it would be the way to the proxy that is looked at.
    if url.scheme_str() != Some("https") || access.config.proxy_url.is_some() {
        return None;
    }
    let host = url.host()?.trim_matches(['[', ']']).to_owned();
    let port = url.port_u16().unwrap_or(443);
    let name = access.config.tls_server_name.clone().unwrap_or_else(|| host.clone());
    let shown = tokio::task::spawn_blocking(move || show(&host, port, name)).await.ok()?;
    Some(dated("the server's certificate", Some(expiry(&shown?)?), now))
}

/// Connects and returns the certificate that is shown.
fn show(host: &str, port: u16, name: String) -> Option<Vec<u8>> {
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let provider = CryptoProvider::get_default()?.clone();
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Looking(provider)))
        .with_no_client_auth();
    let mut connection =
        ClientConnection::new(Arc::new(config), ServerName::try_from(name).ok()?).ok()?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    connection.peer_certificates()?.first().map(|certificate| certificate.to_vec())
}

/// Takes every certificate: nothing is sent over the connection, it is only looked at.
#[derive(Debug)]
struct Looking(Arc<CryptoProvider>);

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        expiry(certificate)
            .map(|_| ServerCertVerified::assertion())
            .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn old_versions_and_wrong_clocks_are_told() {
        assert_eq!(of_version("v1.35.4+k3s1").state, State::Good);
        assert_eq!(of_version("v1.24.0").state, State::Problem);
        assert_eq!(of_version("").state, State::Warning);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(clock(at(1000), at(1059)).state, State::Good);
        assert_eq!(clock(at(1000), at(1600)).text, "this machine's is 600 s ahead of the server's");
        assert_eq!(clock(at(1600), at(1000)).text, "this machine's is 600 s behind the server's");
    }
}
