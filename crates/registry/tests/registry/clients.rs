//! Independent clients on the embedded server.

use std::process::Command;

use notes_oci::{ImageIndex, ImageSink, ImageSource, Layout, Platform};
use notes_testkit::registry::TestRegistry;
use oci_client::{
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};

use crate::images::{image, platform, read_layers, remote};

/// Runs skopeo away from the thread that serves.
pub(crate) async fn skopeo(arguments: Vec<String>) {
    let output = tokio::task::spawn_blocking(move || {
        Command::new("skopeo").arg("--insecure-policy").args(arguments).output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn has(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_copies_out_and_in() {
    if !has("skopeo") {
        return notes_testkit::skip("skopeo_copies_out_and_in", "skopeo is not installed");
    }
    let registry = TestRegistry::start().await;
    let image = image(1, &[100_000, 3]);
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    let layout = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}:it", layout.path().display());
    let docker = |reference: &str| format!("docker://{}/{reference}", registry.registry());
    let copy = |arguments: &[&str]| {
        skopeo(["copy"].iter().chain(arguments).map(|&it| it.to_owned()).collect())
    };
    copy(&["--src-tls-verify=false", &docker("app:1"), &layout]).await;
    copy(&["--dest-tls-verify=false", &layout, &docker("copy:1")]).await;
    let pulled = remote().image(&registry.reference("copy:1"), &platform()).await.unwrap();
    assert_eq!(pulled.digest(), image.digest());
    assert_eq!(read_layers(&pulled).await.unwrap(), [100_000, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_copies_every_platform_of_an_index() {
    let test = "skopeo_copies_every_platform_of_an_index";
    if !has("skopeo") {
        return notes_testkit::skip(test, "skopeo is not installed");
    }
    let registry = TestRegistry::start().await;
    let other = image(2, &[3]).with_config(|config| config.platform = Platform::linux("arm64"));
    let index = ImageIndex::new([image(1, &[100_000]), other]).unwrap();
    remote().write_index(&index, &registry.reference("app:1")).await.unwrap();
    let layout = tempfile::tempdir().unwrap();
    let from = format!("docker://{}/app:1", registry.registry());
    let to = format!("oci:{}:it", layout.path().display());
    let arguments = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &from, &to];
    skopeo(arguments.map(Into::into).into()).await;
    let copied = Layout::open(layout.path()).await.unwrap();
    let copied = copied.image_index(&registry.reference("app:it")).await.unwrap();
    assert_eq!(copied.unwrap().digest(), index.digest());
}

#[tokio::test]
async fn oci_client_reads_what_we_wrote() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[100_000]);
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    // Its client wants a provider of cryptography for the whole process; another test may have set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
    let client = oci_client::Client::try_from(config).unwrap();
    let reference = registry.reference("app:1").to_string().parse().unwrap();
    let (bytes, digest) = client
        .pull_manifest_raw(
            &reference,
            &RegistryAuth::Anonymous,
            &["application/vnd.oci.image.manifest.v1+json"],
        )
        .await
        .unwrap();
    assert_eq!((&bytes, digest), (image.manifest_bytes(), image.digest().to_string()));
    let mut layer = Vec::new();
    let digest = image.layers()[0].digest().to_string();
    client.pull_blob(&reference, digest.as_str(), &mut layer).await.unwrap();
    assert_eq!(layer.len(), 100_000);
}
