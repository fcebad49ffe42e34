//! The exit codes that no other test comes by: what the cluster refuses, and what belongs to somebody else.

use std::fs;

use crate::world::{PINNED, Place};

/// No pod runs, so that no image is needed.
const MANIFESTS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  minReadySeconds: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: user/app}]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_and_conflicts_are_told_apart() {
    let Some(place) = Place::find("refusals_and_conflicts_are_told_apart").await else { return };
    let deploy = |manifests: &str, arguments: &[&str]| {
        fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
        place.run(&[&["-f", "k8s.yaml", "--image", PINNED][..], arguments].concat())
    };
    let refused = deploy(&MANIFESTS.replace("minReadySeconds", "minRedySeconds"), &[]);
    assert_eq!(refused.code, Some(7), "{refused}");
    let first = deploy(MANIFESTS, &[]);
    assert_eq!(first.code, Some(0), "{first}");
    place.apply(&MANIFESTS.replace("minReadySeconds: 1", "minReadySeconds: 9")).await;
    let conflict = deploy(MANIFESTS, &[]);
    assert_eq!(conflict.code, Some(6), "{conflict}");
    assert!(conflict.failure().contains("`.spec.minReadySeconds` belongs to"), "{conflict}");
    let forced = deploy(MANIFESTS, &["--force-conflicts"]);
    assert_eq!(forced.code, Some(0), "{forced}");
}
