//! What refers to an image, on registries that list it and on those that do not.

use notes_oci::{ImageSink, Pinned};
use notes_registry::{Artifact, Remote};
use notes_testkit::{
    Distribution,
    registry::{Fault, Login, Matching, TestRegistry},
};

use crate::images::{image, logged_in, remote};

const CONTENTS: &str = "application/spdx+json";
const PROVENANCE: &str = "application/vnd.in-toto+json";

async fn pushed(remote: &Remote, registry: &TestRegistry) -> Pinned {
    remote.write(&image(1, &[10]), &registry.reference("app:1")).await.unwrap()
}

fn contents(number: usize) -> Artifact {
    let mut artifact = Artifact::new(CONTENTS, format!("{{\"number\":{number}}}"));
    artifact.annotations.insert("org.example.number".into(), number.to_string());
    artifact
}

async fn attach_and_list(remote: &Remote, image: &Pinned) {
    let first = remote.attach(&contents(1), image).await.unwrap();
    let provenance = Artifact::new(PROVENANCE, b"{}".as_slice());
    let second = remote.attach(&provenance, image).await.unwrap();
    // Once more is the same.
    assert_eq!(remote.attach(&contents(1), image).await.unwrap(), first);

    let mut all: Vec<_> =
        remote.referrers(image, None).await.unwrap().into_iter().map(|it| it.digest).collect();
    all.sort();
    let mut expected = [first.digest, second.digest];
    expected.sort();
    assert_eq!(all, expected);
    let [only] = &remote.referrers(image, Some(CONTENTS)).await.unwrap()[..] else { panic!("one") };
    assert_eq!(only.digest, first.digest);
    assert_eq!(only.annotations["org.example.number"], "1");
    assert_eq!(only.other["artifactType"], CONTENTS);
}

#[tokio::test]
async fn a_registry_with_the_api_lists_what_refers_to_an_image() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let remote = logged_in(&registry);
    let image = pushed(&remote, &registry).await;
    assert_eq!(remote.referrers(&image, None).await.unwrap(), []);
    attach_and_list(&remote, &image).await;
    let fallback = format!("/manifests/sha256-{}", image.digest.hex());
    assert!(registry.requests().iter().all(|it| !it.path.contains(&fallback)));
}

/// CNCF distribution has no referrers API (2.8), nor has GitHub's registry.
#[tokio::test]
async fn a_registry_without_the_api_has_a_tag_that_lists_them() {
    let test = "a_registry_without_the_api_has_a_tag_that_lists_them";
    let Some(registry) = Distribution::start(test) else { return };
    let remote = remote();
    let image = remote.write(&image(1, &[10]), &registry.reference("app:1")).await.unwrap();
    assert_eq!(remote.referrers(&image, None).await.unwrap(), []);
    attach_and_list(&remote, &image).await;
}

#[tokio::test]
async fn a_list_that_somebody_wrote_over_is_written_again() {
    let registry = TestRegistry::start().await;
    let image = pushed(&remote(), &registry).await;
    let without_api = || {
        let put = Matching::method("PUT").path("/manifests/sha256:");
        registry.plan(put, Fault::WithoutHeader("oci-subject"));
        registry.plan(Matching::method("GET").path("/referrers/"), Fault::Status(404));
    };
    without_api();
    // Taken, and gone when it is read again.
    let put = Matching::method("PUT").path("/manifests/sha256-");
    registry.plan(put, Fault::Answer(201, Vec::new(), String::new()));
    let first = remote().attach(&contents(1), &image).await.unwrap();
    let listed = remote().referrers(&image, Some(CONTENTS)).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].digest, first.digest);
    assert_eq!(registry.pending(), 0);
}
