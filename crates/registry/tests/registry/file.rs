//! Files behind URLs; the embedded registry's blobs serve as some.

use notes_oci::ImageSink;
use notes_testkit::registry::{Fault, Matching, TestRegistry};

use crate::images::{image, remote};

/// Puts a blob of 1000 bytes into `registry` and returns its URL.
async fn blob(registry: &TestRegistry) -> String {
    let image = image(1, &[1000]);
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    let digest = image.layers()[0].digest();
    format!("http://{}/v2/app/blobs/{digest}", registry.registry())
}

#[tokio::test]
async fn a_file_is_downloaded_and_a_busy_server_is_asked_again() {
    let registry = TestRegistry::start().await;
    let url = blob(&registry).await;
    registry.plan(Matching::method("GET").path("/blobs/"), Fault::Status(503));
    let mut bytes = Vec::new();
    remote().download(&format!("{url}?token=secret#part"), None, &mut bytes).await.unwrap();
    assert_eq!(bytes.len(), 1000);
}

#[tokio::test]
async fn half_a_file_is_an_error() {
    let registry = TestRegistry::start().await;
    let url = blob(&registry).await;
    registry.plan(Matching::method("GET").path("/blobs/"), Fault::Truncate(300));
    let error = remote().download(&url, None, &mut Vec::new()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn what_is_not_there_is_said_without_the_query() {
    let registry = TestRegistry::start().await;
    let url = format!("http://{}/v2/app/blobs/none?token=secret", registry.registry());
    let error = remote().download(&url, None, &mut Vec::new()).await.unwrap_err();
    assert!(error.status().is_some_and(|status| (400..500).contains(&status)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = remote().download("http://", None, &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer to `GET` cannot be used: the address is no URL");
}
