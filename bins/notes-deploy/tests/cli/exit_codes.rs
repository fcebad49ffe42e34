//! The exit codes that no other test comes by: what the cluster refuses, and what belongs to somebody else.

use std::fs;

use crate::world::{PINNED, Place, WITHOUT_PODS};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_conflicts_are_told_apart() {
    let Some(place) = Place::find("refusals_and_conflicts_are_told_apart").await else { return };
    let deploy = |manifests: &str, arguments: &[&str]| {
        fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
        place.run(&[&["-f", "k8s.yaml", "--image", PINNED][..], arguments].concat())
    };
    let refused = deploy(&WITHOUT_PODS.replace("minReadySeconds", "minRedySeconds"), &[]);
    assert_eq!(refused.code, Some(7), "{refused}");
    let first = deploy(WITHOUT_PODS, &[]);
    assert_eq!(first.code, Some(0), "{first}");
    place.apply(&WITHOUT_PODS.replace("minReadySeconds: 1", "minReadySeconds: 9")).await;
    let conflict = deploy(WITHOUT_PODS, &[]);
    assert_eq!(conflict.code, Some(6), "{conflict}");
    assert!(conflict.failure().contains("`.spec.minReadySeconds` belongs to"), "{conflict}");
    let forced = deploy(WITHOUT_PODS, &["--force-conflicts"]);
    assert_eq!(forced.code, Some(0), "{forced}");
}
