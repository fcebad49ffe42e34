//! Registries whose certificates only docker's directory knows, and who want to see one of ours.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use notes_oci::{ImageSink, ImageSource, Reference};
use notes_registry::{HostCertificates, Options, Proxies, Remote, Retry};
use notes_testkit::Distribution;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{
    clients::has,
    images::{image, options, platform, read_layers},
};

/// A name that TLS is spoken to, unlike this machine's.
const HOST: &str = "registry.example.com";

/// Runs `openssl` in `directory`, away from the thread that serves.
fn openssl(directory: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(directory);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes an authority, and certificates of it for a server and for a client.
pub(crate) fn make_certificates(directory: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        directory,
        &format!("req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=authority"),
    );
    fs::write(directory.join("server.ext"), format!("subjectAltName=DNS:{HOST},IP:127.0.0.1\n"))
        .unwrap();
    fs::write(directory.join("client.ext"), "extendedKeyUsage=clientAuth\n").unwrap();
    for name in ["server", "client"] {
        openssl(
            directory,
            &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            directory,
            &format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext \
                 -out {name}.pem"
            ),
        );
    }
}

/// A proxy that leads every name to `target`; returns its address.
async fn proxy_to(target: SocketAddr) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                let mut server = TcpStream::connect(target).await?;
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_one_registry_are_found_and_shown() {
    let test = "certificates_of_one_registry_are_found_and_shown";
    if !has("openssl") {
        return notes_testkit::skip(test, "openssl is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    make_certificates(directory.path());
    let file = |name: &str| directory.path().join(name).display().to_string();
    let tls = format!(
        "{{certificate: {}, key: {}, clientcas: [{}]}}",
        file("server.pem"),
        file("server.key"),
        file("ca.crt")
    );
    let Some(registry) = Distribution::start_with_tls(test, &tls) else { return };
    let proxy = proxy_to(registry.address()).await;
    let proxies = Proxies { https: Some(proxy), ..Proxies::default() };
    let name: Reference = format!("{HOST}/app:1").parse().unwrap();

    let known = directory.path().join("certs.d").join(HOST);
    let remote = || {
        let certificates = HostCertificates { directories: vec![directory.path().join("certs.d")] };
        let retry = Retry::never();
        let proxies = proxies.clone();
        Remote::new(Options { certificates, proxies, retry, ..options() }).unwrap()
    };
    let error = remote().resolve(&name).await.unwrap_err();
    assert!(error.hint().unwrap().contains("certs.d"), "an authority nobody knows: {error:?}");

    fs::create_dir_all(&known).unwrap();
    fs::copy(file("ca.crt"), known.join("ca.crt")).unwrap();
    assert!(!remote().resolve(&name).await.unwrap_err().is_not_found(), "it wants to see ours");

    fs::copy(file("client.pem"), known.join("client.cert")).unwrap();
    fs::copy(file("client.key"), known.join("client.key")).unwrap();
    let image = image(1, &[1000]);
    remote().write(&image, &name).await.unwrap();
    let pulled = remote().image(&name, &platform()).await.unwrap();
    assert_eq!(read_layers(&pulled).await.unwrap(), [1000]);
}
