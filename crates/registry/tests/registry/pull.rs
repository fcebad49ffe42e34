use notes_oci::{ImageSink, ImageSource, Index, Platform};
use notes_registry::{Options, PullError, Remote};
use notes_testkit::registry::{Fault, Matching, TestRegistry};

use crate::images::{hearing, image, options, platform, read_layers, remote};

#[tokio::test]
async fn layers_are_not_read_before_they_are_opened() {
    let registry = TestRegistry::start().await;
    let (image, name) = (image(1, &[1000, 2000]), registry.reference("app:1"));
    remote().write(&image, &name).await.unwrap();
    registry.take_lines();
    remote().image(&name, &platform()).await.unwrap();
    let config = image.manifest().config.digest;
    assert_eq!(
        registry.take_lines(),
        ["GET /v2/app/manifests/1 200".into(), format!("GET /v2/app/blobs/{config} 200")]
    );
}

#[tokio::test]
async fn a_mirror_comes_first_and_the_registry_is_the_fallback() {
    let (origin, mirror) = (TestRegistry::start().await, TestRegistry::start().await);
    let name = origin.reference("library/python:3");
    let image = image(1, &[1000]);
    remote().write(&image, &name).await.unwrap();
    let heard = std::sync::Arc::new(crate::images::Heard::default());
    let mirrored = Remote::new(Options {
        mirrors: vec![format!("{}={}/hub", origin.registry(), mirror.registry()).parse().unwrap()],
        reporter: heard.clone(),
        ..options()
    })
    .unwrap();

    // Not in the mirror: taken from the registry, without a word.
    mirrored.image(&name, &platform()).await.unwrap();
    assert_eq!(mirror.take_lines(), ["GET /v2/hub/library/python/manifests/3 404"]);
    assert_eq!(heard.warnings.lock().unwrap().len(), 0);

    // A mirror that fails is worth a line.
    mirror.plan(Matching::any(), Fault::Status(403));
    mirrored.image(&name, &platform()).await.unwrap();
    let warnings = heard.warnings.lock().unwrap().clone();
    assert!(warnings[0].contains("is passed over"), "{warnings:?}");

    // In the mirror: the registry is not asked.
    remote().write(&image, &mirror.reference("hub/library/python:3")).await.unwrap();
    origin.take_lines();
    let pulled = mirrored.image(&name, &platform()).await.unwrap();
    assert_eq!(read_layers(&pulled).await.unwrap(), [1000]);
    assert_eq!(origin.take_lines(), Vec::<String>::new());

    // A layer the mirror has lost comes from the registry.
    mirror.plan(Matching::method("GET").path("/blobs/"), Fault::Status(404));
    assert_eq!(read_layers(&pulled).await.unwrap(), [1000]);
    assert_eq!(origin.take_lines().len(), 1);
}

#[tokio::test]
async fn an_index_yields_the_image_of_the_platform() {
    let registry = TestRegistry::start().await;
    let amd64 = image(1, &[10]);
    let arm64 = notes_oci::Image::scratch(Platform::linux("arm64"));
    let remote = remote();
    remote.write(&amd64, &registry.reference("app:amd64")).await.unwrap();
    remote.write(&arm64, &registry.reference("app:arm64")).await.unwrap();
    let index = Index::new(vec![amd64.descriptor(), arm64.descriptor()]);
    put_manifest(&registry, "app/manifests/1", &serde_json::to_vec(&index).unwrap()).await;

    let name = registry.reference("app:1");
    assert_eq!(remote.image(&name, &platform()).await.unwrap(), amd64);
    let resolved = remote.resolve(&name).await.unwrap();
    assert_eq!(resolved.digest, notes_oci::Digest::of(serde_json::to_vec(&index).unwrap()));
    let error = remote.image(&name, &Platform::linux("s390x")).await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "it is there for `linux/amd64`, `linux/arm64`");
}

async fn put_manifest(registry: &TestRegistry, path: &str, bytes: &[u8]) {
    let answer = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls())
        .build()
        .unwrap()
        .put(format!("http://{}/v2/{path}", registry.registry()))
        .header("content-type", "application/vnd.oci.image.index.v1+json")
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
}

/// The client wants a provider of cryptography even for plain HTTP.
pub(crate) fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let registry = TestRegistry::start().await;
    let error = remote().image(&registry.reference("app:1"), &platform()).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(matches!(error, PullError::NotFound { .. }));
}

#[tokio::test]
async fn a_registry_that_is_down_is_said_so() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (remote, heard) = hearing();
    let error = remote.resolve(&format!("{closed}/app:1").parse().unwrap()).await.unwrap_err();
    assert!(error.is_transient());
    let hint = error.hint().unwrap();
    assert_eq!(hint, "nothing listens there; is the registry running, and the port right?");
    assert_eq!(heard.retries.lock().unwrap().len(), 4);
}
