//! Images of several platforms under one name.

use notes_oci::{ImageIndex, ImageSink, ImageSource, Platform};
use notes_registry::{Options, PushError, Remote, Retag};
use notes_testkit::registry::{Fault, Matching, TestRegistry};

use crate::images::{image, options, read_layers, remote};

fn index(seed: u8) -> ImageIndex {
    let images = ["amd64", "arm64"].map(|architecture| {
        image(seed, &[1000, architecture.len()])
            .with_config(|config| config.platform = Platform::linux(architecture))
    });
    ImageIndex::new(images).unwrap()
}

#[tokio::test]
async fn each_platform_pulls_its_image() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("team/app:1");
    let pinned = remote().write_index(&index(1), &name).await.unwrap();
    assert_eq!(pinned, name.pin(index(1).digest()));
    assert_eq!(remote().resolve(&name).await.unwrap(), pinned);
    for image in index(1).images() {
        for reference in [name.clone(), pinned.reference()] {
            let pulled = remote().image(&reference, &image.config().platform).await.unwrap();
            assert_eq!(pulled, *image);
            assert_eq!(read_layers(&pulled).await.unwrap(), [1000, 5]);
        }
    }
}

#[tokio::test]
async fn images_come_first_by_their_digests_and_the_tag_last() {
    let registry = TestRegistry::start().await;
    remote().write_index(&index(1), &registry.reference("app:1")).await.unwrap();
    let lines = registry.take_lines();
    let puts: Vec<_> =
        lines.iter().filter(|line| line.starts_with("PUT /v2/app/manifests/")).collect();
    let digests = index(1).images().iter().map(notes_oci::Image::digest).collect::<Vec<_>>();
    assert_eq!(
        puts,
        [
            &format!("PUT /v2/app/manifests/{} 201", digests[0]),
            &format!("PUT /v2/app/manifests/{} 201", digests[1]),
            "PUT /v2/app/manifests/1 201",
        ]
    );
    assert_eq!(lines.last(), puts.last().copied());
}

#[tokio::test]
async fn an_unchanged_index_costs_one_request_and_an_unchanged_image_in_it_one_more() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    remote().write_index(&index(1), &name).await.unwrap();
    registry.take_lines();
    remote().write_index(&index(1), &name).await.unwrap();
    assert_eq!(registry.take_lines(), ["HEAD /v2/app/manifests/1 200"]);

    let annotated = index(1).with_annotations([("a".to_owned(), "b".to_owned())].into());
    remote().write_index(&annotated, &registry.reference("app:2")).await.unwrap();
    assert_eq!(registry.take_lines().len(), 4, "two names asked for, two images there, one sent");
}

#[tokio::test]
async fn a_tag_does_not_move_to_or_from_an_index_unless_told() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    remote().write(&index(1).images()[0], &name).await.unwrap();
    registry.take_lines();
    let error = remote().write_index(&index(1), &name).await.unwrap_err();
    assert!(
        matches!(&error, PushError::TagExists { pushed, .. } if *pushed == index(1).digest()),
        "{error}"
    );
    assert_eq!(registry.take_lines(), ["HEAD /v2/app/manifests/1 200"], "nothing was sent");

    let moving = Remote::new(Options { retag: Retag::Allow, ..options() }).unwrap();
    moving.write_index(&index(1), &name).await.unwrap();
    assert_eq!(remote().resolve(&name).await.unwrap().digest, index(1).digest());
    let error = remote().write(&index(1).images()[0], &name).await.unwrap_err();
    assert!(matches!(error, PushError::TagExists { .. }), "{error}");
}

#[tokio::test]
async fn a_push_that_breaks_off_leaves_no_name() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    registry.plan(Matching::method("PUT").path("/manifests/1"), Fault::Status(400));
    assert!(remote().write_index(&index(1), &name).await.is_err());
    assert_eq!(registry.pending(), 0);
    assert!(remote().resolve(&name).await.unwrap_err().is_not_found());
    remote().write_index(&index(1), &name).await.unwrap();
}

#[tokio::test]
async fn an_index_goes_to_a_registry_that_asks_for_tokens() {
    use notes_testkit::registry::Login;
    let registry = TestRegistry::with_login(Login::Token).await;
    let remote = crate::images::logged_in(&registry);
    let name = registry.reference("team/app:1");
    remote.write_index(&index(1), &name).await.unwrap();
    assert_eq!(remote.resolve(&name).await.unwrap().digest, index(1).digest());
}
