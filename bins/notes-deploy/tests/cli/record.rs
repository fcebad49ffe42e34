//! What is recorded of releases, what `history` and `status` make of it, and kubectl beside them.

use std::{fs, process::Command};

use notes_testkit::{cluster::kubectl, skip};
use serde_json::Value;

use crate::world::{PINNED, Place, WITHOUT_PODS};

/// Another image that no registry has.
const OTHER: &str =
    "docker.io/user/app@sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

const SECRET: &str = "---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {key: canary-key}
";

/// A project without pods, and kubectl.
struct World {
    place: Place,
    kubectl: std::path::PathBuf,
}

impl World {
    async fn find(test: &str) -> Option<Self> {
        let place = Place::find(test).await?;
        let kubectl = match kubectl() {
            Ok(path) => path,
            Err(reason) => {
                skip(test, &reason);
                return None;
            }
        };
        let manifests = WITHOUT_PODS
            .replace("image: user/app", "image: user/app, resources: {limits: {cpu: 1000m}}");
        fs::write(place.directory.path().join("k8s.yaml"), manifests + SECRET).unwrap();
        Some(Self { place, kubectl })
    }

    fn deploy(&self, image: &str, arguments: &[&str]) {
        let ended =
            self.place.run(&[&["-f", "k8s.yaml", "--image", image][..], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended}");
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.kubectl);
        command.args(["--kubeconfig", self.place.kubeconfig(), "-n", &self.place.namespace]);
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.place.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{ended}");
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_recorded_and_what_others_change_is_named() {
    let test = "a_release_is_recorded_and_what_others_change_is_named";
    let Some(world) = World::find(test).await else { return };
    world.deploy(PINNED, &[]);
    let same = world.place.run(&["status"]);
    assert!(same.stdout.contains("deployment/web  complete  yes"), "{same}");
    assert!(!same.stderr.contains("was applied as"), "{same}");
    let patch = "{\"spec\":{\"minReadySeconds\":3}}";
    world.kubectl(&["patch", "deployment", "web", "--type", "merge", "-p", patch]);
    let status = world.place.run(&["status"]);
    let drift =
        "deployment/web: `.spec.minReadySeconds` was applied as 1 and is 3, set by kubectl-patch";
    assert!(status.stderr.contains(drift), "{status}");
    assert!(status.stdout.contains("no, 1 field"), "{status}");
    let json = world.json(&["status"]);
    assert_eq!(json["objects"][1]["drift"][0]["field"], ".spec.minReadySeconds", "{json}");
    assert_eq!(json["release"]["image"], PINNED, "{json}");
    let history = world.json(&["history"]);
    assert_eq!(history["releases"][0]["state"], "deployed", "{history}");
    assert_eq!(history["releases"][0]["objects"][0]["kind"], "Secret", "{history}");
    assert!(!history.to_string().contains("canary"), "{history}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_shows_the_commits_and_can_undo() {
    let test = "kubectl_shows_the_commits_and_can_undo";
    let Some(world) = World::find(test).await else { return };
    world.deploy(PINNED, &[]);
    world.deploy(OTHER, &[]);
    let history = world.kubectl(&["rollout", "history", "deployment/web"]);
    let causes: Vec<_> =
        history.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(causes, ["CHANGE-CAUSE", "44136fa", "5891b5b"], "{history}");
    world.kubectl(&["rollout", "undo", "deployment/web"]);
    let status = world.place.run(&["status"]);
    assert!(
        status.stderr.contains("44136fa of web") && status.stderr.contains("rollout undo"),
        "{status}"
    );
    let history = world.kubectl(&["rollout", "history", "deployment/web"]);
    assert!(history.trim_end().ends_with("44136fa"), "{history}");
    // Somebody's emergency is not overruled without being told to.
    let refused = world.place.run(&["-f", "k8s.yaml", "--image", OTHER]);
    assert!(refused.stderr.contains("belongs to \"kubectl\""), "{refused}");
    world.deploy(OTHER, &["--force-conflicts"]);
    let status = world.place.run(&["status"]);
    assert!(status.stderr.contains("5891b5b of web"), "{status}");
}
