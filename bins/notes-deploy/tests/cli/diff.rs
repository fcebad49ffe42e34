//! `notes-deploy diff`, on a real API server: what it shows, how it ends, and that it changes nothing.

use std::fs;

use crate::world::{PINNED, Place};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deploy_would_change_is_shown_and_not_changed() {
    let test = "what_a_deploy_would_change_is_shown_and_not_changed";
    let Some(place) = Place::find(test).await else { return };
    let with = |words: &[&'static str]| [words, &["--image", PINNED, "--replicas"]].concat();
    let namespace = &place.namespace;

    let new = place.run(&[with(&["diff"]), vec!["0"]].concat());
    assert_eq!(new.code, Some(11), "{new}");
    for line in
        [format!("namespace/{namespace} is new"), format!("service/web in {namespace} is new")]
    {
        assert!(new.stdout.contains(&line), "{new}");
    }
    assert!(place.is_untouched().await, "{new}");

    let deployed = place.run(&[with(&[]), vec!["0"]].concat());
    assert_eq!(deployed.code, Some(0), "{deployed}");
    let same = place.run(&[with(&["diff"]), vec!["0"]].concat());
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{same}");

    let more = place.run(&[with(&["diff"]), vec!["1"]].concat());
    let changed = format!("deployment/web in {namespace}\n  ~ spec.replicas: 0 → 1\n");
    assert_eq!((more.code, more.stdout.as_str()), (Some(11), changed.as_str()), "{more}");
    let yaml = place.run(&[with(&["diff", "-o", "yaml"]), vec!["1"]].concat());
    assert!(yaml.stdout.contains("\n-  replicas: 0\n+  replicas: 1\n"), "{yaml}");
    for noise in ["managedFields", "resourceVersion", "status:", "uid:"] {
        assert!(!yaml.stdout.contains(noise), "{yaml}");
    }

    // Somebody else scales it: that is a difference, and whose it is is told.
    place
        .apply(
            "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  paused: true
  selector: {matchLabels: {app.kubernetes.io/name: web}}
",
        )
        .await;
    let contested = place.run(&[with(&["diff"]), vec!["0"]].concat());
    let told = format!(
        "deployment/web in {namespace}\n  ~ spec.replicas: 1 → 0\n  ! spec.replicas belongs to \"another-job\"\n"
    );
    assert_eq!(
        (contested.code, contested.stdout.as_str()),
        (Some(11), told.as_str()),
        "{contested}"
    );
    assert!(contested.stderr.contains("take them over with `--force-conflicts`"), "{contested}");
    let json = place.run(&[with(&["diff", "--output", "json"]), vec!["0"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let deployment = json["objects"].as_array().unwrap().iter().find(|o| o["kind"] == "Deployment");
    let deployment = deployment.unwrap();
    assert_eq!((&json["schema"], &deployment["change"]), (&1.into(), &"configured".into()));
    assert_eq!(deployment["fields"][0]["path"], "spec.replicas");
    assert_eq!(deployment["conflicts"][0]["field"], ".spec.replicas");
}

/// No pods, so that it stands at once.
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: docker.io/user/app}]}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_would_change_shows_no_value() {
    let test = "a_secret_that_would_change_shows_no_value";
    let Some(place) = Place::find(test).await else { return };
    let write = |secret: &str| {
        let manifests = format!("{secret}{DEPLOYMENT}");
        fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    };
    let secret = |password: &str| {
        format!(
            "
apiVersion: v1
kind: Secret
metadata: {{name: settings}}
stringData: {{password: {password}, user: CANARY-user}}
---
"
        )
    };
    let arguments = ["-f", "k8s.yaml", "--image", PINNED];
    write(&secret("CANARY-1"));
    let deployed = place.run(&arguments);
    assert_eq!(deployed.code, Some(0), "{deployed}");
    write(&secret("CANARY-2"));
    let mut told = Vec::new();
    for form in ["fields", "yaml", "json"] {
        let ended = place.run(&[&["diff", "-o", form], arguments.as_slice()].concat());
        assert_eq!(ended.code, Some(11), "{ended}");
        // As it is, and as base64 of its begin.
        for value in ["CANARY-", "Q0FOQVJZ"] {
            assert!(!ended.to_string().contains(value), "{ended}");
        }
        told.push(ended.stdout);
    }
    let expected = format!(
        "secret/settings in {}\n  ~ data.password: (hidden) → (hidden, another value)\n",
        place.namespace
    );
    assert_eq!(told[0], expected);

    // Without it in the manifests, it would go.
    write("");
    let ended = place.run(&[&["diff"], arguments.as_slice()].concat());
    let expected = format!("secret/settings in {} would be removed\n", place.namespace);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(11), expected.as_str()), "{ended}");
    let yaml = place.run(&[&["diff", "-o", "yaml"], arguments.as_slice()].concat());
    assert!(yaml.stdout.starts_with("--- secret/settings\n+++ /dev/null\n"), "{yaml}");
    assert!(yaml.stdout.contains("\n-  password: (hidden)\n"), "{yaml}");
}
