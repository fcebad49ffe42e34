//! Going back: what a failed release has made goes, what it took away comes back, and nothing goes that is somebody else's.

use std::fs;

use crate::{
    ground::Ground,
    web::Web,
    world::{Ended, PINNED, Place},
};

/// A Deployment that serves at once, or ends at once.
fn web(command: &str) -> String {
    Web { command, ..Web::default() }.to_string()
}

const RUNS: &str = "[sleep, '3600']";
const FAILS: &str = "[no-such-program]";

fn config_map(name: &str, mode: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{mode: {mode}}}\n"
    )
}

fn deploy(place: &Place, manifests: &str, image: &str, more: &[&str]) -> Ended {
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    place.run(&[&["-f", "k8s.yaml", "--image", image], more].concat())
}

async fn mode(place: &Place, name: &str) -> Option<String> {
    let object = place.object("v1", "ConfigMap", name).await?;
    object.text("/data/mode").map(Into::into)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_leaves_nothing_of_the_release_that_failed() {
    let test = "a_rollback_leaves_nothing_of_the_release_that_failed";
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(other) = ground.another(test, &["sleep", "1"]).await else { return };
    let place = Place::find(test).await.unwrap();
    let good = [web(RUNS), config_map("settings", "good"), config_map("dropped", "good")].concat();
    let first = deploy(&place, &good, &ground.image.to_string(), &[]);
    assert_eq!(first.code, Some(0), "{first}");
    // It was there before the release that wants it, and so is none of its own.
    place.apply(&config_map("found", "theirs")).await;
    let quota = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: strict}\nspec: {hard: {pods: 9}}\n";
    let bad = [
        web(FAILS),
        config_map("settings", "bad"),
        config_map("extra", "bad"),
        config_map("found", "theirs"),
        quota.into(),
    ];
    let failed = deploy(&place, &bad.concat(), &other.to_string(), &["--rollback"]);
    assert_eq!(failed.code, Some(9), "{failed}");
    assert_eq!(mode(&place, "settings").await.as_deref(), Some("good"), "{failed}");
    assert_eq!(mode(&place, "dropped").await.as_deref(), Some("good"), "{failed}");
    assert_eq!(mode(&place, "extra").await, None, "{failed}");
    assert_eq!(mode(&place, "found").await.as_deref(), Some("theirs"), "{failed}");
    assert!(place.object("v1", "ResourceQuota", "strict").await.is_none(), "{failed}");
    for object in ["configmap/extra", "resourcequota/strict"] {
        let line = format!("{object}: a release that failed had made it");
        assert!(failed.stderr.contains(&line), "{failed}");
    }
    let again = deploy(&place, &good, &ground.image.to_string(), &[]);
    assert!(again.stderr.contains("Unchanged"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_release_no_longer_has_goes_and_comes_back() {
    let test = "what_a_release_no_longer_has_goes_and_comes_back";
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(other) = ground.another(test, &["sleep", "1"]).await else { return };
    let place = Place::find(test).await.unwrap();
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], storageClassName: '', resources: {requests: {storage: 1Mi}}}\n";
    let precious = config_map("precious", "a").replace(
        "metadata: {name: precious}",
        "metadata: {name: precious, annotations: {notes-deploy/prune: never}}",
    );
    let web = web(RUNS).replace("replicas: 1", "replicas: 0");
    let all = [web.clone(), config_map("extra", "a"), precious, claim.to_owned()].concat();
    let first = deploy(&place, &all, &ground.image.to_string(), &["--timeout", "5s"]);
    assert!(mode(&place, "extra").await.is_some(), "{first}");
    let kept = deploy(&place, &web, &ground.image.to_string(), &[]);
    assert_eq!(kept.code, Some(0), "{kept}");
    assert!(kept.stderr.contains("persistentvolumeclaim/data: data is never deleted"), "{kept}");
    assert!(place.object("v1", "PersistentVolumeClaim", "data").await.is_some(), "{kept}");
    assert!(kept.stderr.contains("configmap/precious: its annotation"), "{kept}");
    assert!(mode(&place, "precious").await.is_some(), "{kept}");
    assert_eq!(mode(&place, "extra").await, None, "{kept}");

    let with_extra = [web.clone(), config_map("extra", "b")].concat();
    assert_eq!(deploy(&place, &with_extra, &ground.image.to_string(), &[]).code, Some(0));
    let without = deploy(&place, &web, &other.to_string(), &[]);
    assert!(without.stderr.contains("configmap/extra: the release no longer has it"), "{without}");
    assert_eq!(mode(&place, "extra").await, None, "{without}");
    let back = place.run(&["rollback"]);
    assert_eq!((back.code, mode(&place, "extra").await.as_deref()), (Some(0), Some("b")), "{back}");

    fs::write(place.directory.path().join("k8s.yaml"), &web).unwrap();
    let image = other.to_string();
    let mut keeping = place.command(&["-f", "k8s.yaml", "--image", &image]);
    let keeping = Ended::of(keeping.env("NOTES_DEPLOY_PRUNE", "never").spawn().unwrap());
    assert_eq!((keeping.code, mode(&place, "extra").await.is_some()), (Some(0), true), "{keeping}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_release_that_fails_is_left_to_be_looked_at() {
    let test = "a_first_release_that_fails_is_left_to_be_looked_at";
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    fs::write(place.directory.path().join("k8s.yaml"), web(FAILS)).unwrap();
    let image = ground.image.to_string();
    // As in CI, where going back is the default.
    let mut command = place.command(&["-f", "k8s.yaml", "--image", &image]);
    let ended = Ended::of(command.env("CI", "true").spawn().unwrap());
    assert_eq!(ended.code, Some(8), "{ended}");
    assert!(ended.stderr.contains("no release has stood before"), "{ended}");
    assert!(place.object("apps/v1", "Deployment", "web").await.is_some(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broken_pod_of_a_stateful_set_does_not_hold_up_the_way_back() {
    let test = "the_broken_pod_of_a_stateful_set_does_not_hold_up_the_way_back";
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(other) = ground.another(test, &["sleep", "1"]).await else { return };
    let place = Place::find(test).await.unwrap();
    let set = |command: &str| {
        web(command)
            .replace("kind: Deployment", "kind: StatefulSet")
            .replace("replicas: 1", "replicas: 2\n  serviceName: web")
    };
    let first = deploy(&place, &set(RUNS), &ground.image.to_string(), &[]);
    assert_eq!(first.code, Some(0), "{first}");
    let untouched = place.object("v1", "Pod", "web-0").await.unwrap();
    let failed = deploy(&place, &set(FAILS), &other.to_string(), &["--rollback"]);
    assert_eq!(failed.code, Some(9), "{failed}");
    assert!(failed.stderr.contains("pod/web-1: its revision failed"), "{failed}");
    let other_pod = place.object("v1", "Pod", "web-0").await.unwrap();
    assert_eq!(untouched.uid(), other_pod.uid(), "a pod that serves is left alone: {failed}");
    let pod = place.object("v1", "Pod", "web-1").await.unwrap();
    let image = pod.text("/spec/containers/0/image");
    assert_eq!(image, Some(ground.image.to_string().as_str()), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_to_go_back_to_may_be_cut_short_but_not_ambiguous() {
    let test = "a_commit_to_go_back_to_may_be_cut_short_but_not_ambiguous";
    let Some(place) = Place::find(test).await else { return };
    let web =
        web(RUNS).replace("replicas: 1", "replicas: 0").replace("image: web", "image: user/app");
    let first = deploy(&place, &web, PINNED, &[]);
    assert_eq!(first.code, Some(0), "{first}");
    for commit in ["abc1111111111111", "abd2222222222222"] {
        place.record(commit, &web).await;
    }
    insta::assert_snapshot!(place.run(&["rollback", "ab"]).failure(), @r"
    error: `ab` fits several releases: abc1111, abd2222
    hint: write more digits
    exit 3
    ");
    let back = place.run(&["rollback", "abd"]);
    assert_eq!(back.code, Some(0), "{back}");
    assert!(back.stderr.contains("to abd2222"), "{back}");
}
