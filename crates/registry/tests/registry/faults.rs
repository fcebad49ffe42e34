use notes_oci::{ImageSink, ImageSource};
use notes_registry::{Options, PullError, PushError, Remote, Retry};
use notes_testkit::registry::{Fault, Login, Matching, TestRegistry};

use crate::images::{hearing, image, logged_in, options, platform, read_layers, remote};

/// Each fault on each kind of request of a push passes, and the image is whole.
#[tokio::test]
async fn a_push_survives_what_passes() {
    let places = [
        ("HEAD", "/manifests/"),
        ("HEAD", "/blobs/"),
        ("POST", "/uploads/"),
        ("PUT", "/uploads/"),
        ("PUT", "/manifests/"),
    ];
    let faults = [Fault::Reset, Fault::Status(500), Fault::Status(503), Fault::TooManyRequests(0)];
    for (method, path) in places {
        for fault in &faults {
            let registry = TestRegistry::start().await;
            registry.plan(Matching::method(method).path(path), fault.clone());
            let (image, name) = (image(1, &[500_000, 10]), registry.reference("app:1"));
            let pushed = remote().write(&image, &name).await;
            assert!(pushed.is_ok(), "{method} {path} {fault:?}: {:?}", pushed.err());
            assert_eq!(registry.pending(), 0, "{method} {path} {fault:?}");
            let pulled = remote().image(&name, &platform()).await.unwrap();
            assert_eq!(read_layers(&pulled).await.unwrap(), [500_000, 10]);
        }
    }
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let registry = TestRegistry::start().await;
    let (image, name) = (image(1, &[500_000]), registry.reference("app:1"));
    remote().write(&image, &name).await.unwrap();
    let layer = format!("/blobs/{}", image.layers()[0].digest());
    for again in [None, Some(Fault::IgnoreRange), Some(Fault::Truncate(7)), Some(Fault::Reset)] {
        let pulled = remote().image(&name, &platform()).await.unwrap();
        registry.plan(Matching::method("GET").path(&layer), Fault::Truncate(123_457));
        if let Some(again) = again.clone() {
            registry.plan(Matching::method("GET").path(&layer), again);
        }
        assert_eq!(read_layers(&pulled).await.unwrap(), [500_000], "{again:?}");
        assert_eq!(registry.pending(), 0);
    }
}

#[tokio::test]
async fn other_bytes_are_never_taken() {
    let registry = TestRegistry::start().await;
    let (image, name) = (image(1, &[1000]), registry.reference("app:1"));
    remote().write(&image, &name).await.unwrap();

    let pulled = remote().image(&name, &platform()).await.unwrap();
    registry.plan(Matching::method("GET").path("/blobs/"), Fault::Corrupt);
    let error = read_layers(&pulled).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");

    for path in ["/manifests/", "/blobs/"] {
        registry.plan(Matching::method("GET").path(path), Fault::Corrupt);
        let error = remote().image(&name, &platform()).await.unwrap_err();
        assert!(matches!(error, PullError::OtherBytes { .. }), "{path}: {error}");
    }
    registry.plan(Matching::method("GET").path("/manifests/"), Fault::WrongDigest);
    let error = remote().image(&name, &platform()).await.unwrap_err();
    assert!(matches!(error, PullError::OtherBytes { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_stores_something_else_is_found_out() {
    let registry = TestRegistry::start().await;
    registry.plan(Matching::method("PUT").path("/manifests/"), Fault::WrongDigest);
    let pushed = remote().write(&image(1, &[1]), &registry.reference("app:1")).await;
    assert!(matches!(pushed, Err(PushError::Altered { .. })), "{pushed:?}");
}

#[tokio::test]
async fn no_tag_stands_on_half_an_image() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    let once = Remote::new(Options { retry: Retry::never(), ..options() }).unwrap();
    registry.plan(Matching::method("PUT").path("/uploads/"), Fault::Reset);
    let error = once.write(&image(1, &[100_000]), &name).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(remote().resolve(&name).await.unwrap_err().is_not_found());
    remote().write(&image(1, &[100_000]), &name).await.unwrap();
}

#[tokio::test]
async fn a_token_that_runs_out_in_the_middle_is_replaced() {
    let places =
        [("HEAD", "/blobs/"), ("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")];
    for (method, path) in places {
        let registry = TestRegistry::with_login(Login::Token).await;
        registry.plan(Matching::method(method).path(path), Fault::ExpireTokens);
        let (image, name) = (image(1, &[50_000]), registry.reference("app:1"));
        logged_in(&registry).write(&image, &name).await.unwrap();
        assert_eq!(registry.pending(), 0, "{method} {path}");
    }
}

#[tokio::test]
async fn the_registry_says_when_to_come_again() {
    let registry = TestRegistry::start().await;
    let (remote, heard) = hearing();
    registry.plan(Matching::method("HEAD"), Fault::TooManyRequests(0));
    registry.plan(Matching::method("HEAD"), Fault::TooManyRequests(7200));
    let error = remote.write(&image(1, &[1]), &registry.reference("app:1")).await.unwrap_err();
    // Two hours are over the budget: the caller decides, and is told.
    let request = error.request().unwrap();
    assert_eq!((request.status(), request.retry_after().unwrap().as_secs()), (Some(429), 7200));
    let retries = heard.retries.lock().unwrap().clone();
    assert_eq!(retries.len(), 1);
    assert!(retries[0].1.is_zero(), "{retries:?}");
}

#[tokio::test]
async fn an_error_is_not_tried_for_ever() {
    let registry = TestRegistry::start().await;
    for _ in 0..5 {
        registry.plan(Matching::method("HEAD"), Fault::Status(502));
    }
    let error = remote().write(&image(1, &[1]), &registry.reference("app:1")).await.unwrap_err();
    assert_eq!(registry.pending(), 0);
    assert_eq!(error.request().unwrap().status(), Some(502));
    assert_eq!(registry.take_lines().len(), 5);
}
