use notes_oci::{ImageSink, ImageSource};
use notes_registry::{Options, Outcome, PushError, Remote, Retag};
use notes_testkit::registry::{Fault, Matching, SIGNATURE, TestRegistry};

use crate::images::{hearing, image, options, platform, read_layers, remote};

#[tokio::test]
async fn what_was_pushed_can_be_pulled() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("team/app:a3f92bd");
    let image = image(1, &[0, 1, 300_000]);
    let pinned = remote().write(&image, &name).await.unwrap();
    assert_eq!(pinned, name.pin(image.digest()));

    for reference in [name, pinned.reference()] {
        let pulled = remote().image(&reference, &platform()).await.unwrap();
        assert_eq!(pulled, image);
        assert_eq!(read_layers(&pulled).await.unwrap(), [0, 1, 300_000]);
    }
}

#[tokio::test]
async fn the_tag_comes_last() {
    let registry = TestRegistry::start().await;
    remote().write(&image(1, &[10]), &registry.reference("app:1")).await.unwrap();
    let lines = registry.take_lines();
    assert!(lines.last().unwrap().starts_with("PUT /v2/app/manifests/1 201"), "{lines:#?}");
    assert_eq!(lines.len(), 8, "{lines:#?}");
}

#[tokio::test]
async fn an_unchanged_image_costs_one_request() {
    let registry = TestRegistry::start().await;
    let (image, name) = (image(1, &[1000, 2000]), registry.reference("app:1"));
    remote().write(&image, &name).await.unwrap();
    registry.take_lines();
    remote().write(&image, &name).await.unwrap();
    assert_eq!(registry.take_lines(), ["HEAD /v2/app/manifests/1 200"]);
}

#[tokio::test]
async fn blobs_that_are_there_are_not_sent() {
    let registry = TestRegistry::start().await;
    let (remote, heard) = hearing();
    let first = image(1, &[1000, 2000]);
    remote.write(&first, &registry.reference("app:1")).await.unwrap();
    heard.outcomes.lock().unwrap().clear();
    let second = first.with_config(|config| config.author = Some("anna".into()));
    remote.write(&second, &registry.reference("app:2")).await.unwrap();
    assert_eq!(
        *heard.outcomes.lock().unwrap(),
        [Outcome::Existed, Outcome::Existed, Outcome::Uploaded]
    );
}

#[tokio::test]
async fn a_tag_does_not_move_unless_told() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    let (first, second) = (image(1, &[10]), image(2, &[10]));
    remote().write(&first, &name).await.unwrap();
    registry.take_lines();

    let error = remote().write(&second, &name).await.unwrap_err();
    assert!(
        matches!(&error, PushError::TagExists { existing, pushed, .. }
            if *existing == first.digest() && *pushed == second.digest()),
        "{error}"
    );
    assert_eq!(registry.take_lines(), ["HEAD /v2/app/manifests/1 200"], "nothing was sent");

    let moving = Remote::new(Options { retag: Retag::Allow, ..options() }).unwrap();
    moving.write(&second, &name).await.unwrap();
    assert_eq!(remote().resolve(&name).await.unwrap().digest, second.digest());
}

#[tokio::test]
async fn a_base_layer_of_the_same_registry_is_mounted() {
    let registry = TestRegistry::start().await;
    let (remote, heard) = hearing();
    remote.write(&image(1, &[1000]), &registry.reference("base:1")).await.unwrap();
    let base = remote.image(&registry.reference("base:1"), &platform()).await.unwrap();
    heard.outcomes.lock().unwrap().clear();
    remote.write(&base, &registry.reference("app:1")).await.unwrap();
    assert_eq!(*heard.outcomes.lock().unwrap(), [Outcome::Mounted, Outcome::Uploaded]);
}

#[tokio::test]
async fn a_refused_mount_becomes_an_upload() {
    let registry = TestRegistry::start().await;
    let (remote, heard) = hearing();
    remote.write(&image(1, &[1000]), &registry.reference("base:1")).await.unwrap();
    let base = remote.image(&registry.reference("base:1"), &platform()).await.unwrap();
    for fault in [Fault::RefuseMount, Fault::Status(404)] {
        registry.plan(Matching::method("POST").path("mount="), fault.clone());
        heard.outcomes.lock().unwrap().clear();
        let name = registry.reference(&format!("app{}:1", registry.requests().len()));
        remote.write(&base, &name).await.unwrap();
        assert_eq!(registry.pending(), 0);
        let outcomes = heard.outcomes.lock().unwrap().clone();
        assert!(outcomes.ends_with(&[Outcome::Uploaded, Outcome::Uploaded]), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_layer_goes_from_registry_to_registry() {
    let (from, to) = (TestRegistry::start().await, TestRegistry::start().await);
    let remote = remote();
    remote.write(&image(1, &[2_000_000]), &from.reference("base:1")).await.unwrap();
    let base = remote.image(&from.reference("base:1"), &platform()).await.unwrap();
    remote.write(&base, &to.reference("app:1")).await.unwrap();
    let copied = remote.image(&to.reference("app:1"), &platform()).await.unwrap();
    assert_eq!(read_layers(&copied).await.unwrap(), [2_000_000]);
}

#[tokio::test]
async fn locations_are_taken_as_they_come() {
    let registry = TestRegistry::start().await;
    registry.plan(Matching::method("POST"), Fault::AbsoluteLocation);
    remote().write(&image(1, &[1000]), &registry.reference("app:1")).await.unwrap();
    assert_eq!(registry.pending(), 0);
    let put = registry
        .requests()
        .into_iter()
        .find(|it| it.path.contains("/uploads/") && it.method == "PUT");
    assert!(put.unwrap().query.starts_with(&format!("_state={SIGNATURE}&digest=sha256")));
}

#[tokio::test]
async fn an_unsafe_location_is_refused() {
    let registry = TestRegistry::start().await;
    registry.plan(Matching::method("POST"), Fault::PrivateLocation);
    let error = remote().write(&image(1, &[1]), &registry.reference("app:1")).await.unwrap_err();
    let cause = error.request().unwrap().to_string();
    assert!(cause.contains("not as safe as the registry"), "{cause}");
}
