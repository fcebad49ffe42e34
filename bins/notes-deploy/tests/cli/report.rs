//! `--report`: what is kept of a deploy, however it ends, and what is not in it.

use std::{
    fs,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use notes_testkit::registry::TestRegistry;

use crate::{
    faults::{kill, push},
    world::{Ended, PINNED, Place, project, run},
};

/// Waits for a file, as long as a loaded machine may need for a pod.
fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what} did not come");
        thread::sleep(Duration::from_millis(100));
    }
}

fn read(directory: &Path, name: &str) -> String {
    let path = directory.join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_is_applied() {
    let directory = project();
    fs::write(directory.path().join("file"), "").unwrap();
    // No cluster is named: that would be the next thing to complain about.
    let ended = run(directory.path(), &[], &["--image", PINNED, "--report", "file/report"], "");
    let said = ended.failure().replace(&directory.path().display().to_string(), "HERE");
    insta::assert_snapshot!(said, @r"
    error: failed to write the report `HERE/file/report`: Not a directory (os error 20)
    hint: nothing was applied; `--report` and `deploy.report` name the directory
    exit 3
    ");
}

/// A Deployment whose program says its secrets and ends, and the Secret.
const TALKATIVE: &str = "
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {PASSWORD: canary-password, URL: 'postgres://web:canary-in-url@db/web'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: web
        image: IMAGE_PLACEHOLDER
        env: [{name: API_TOKEN, value: canary-literal}]
        envFrom: [{secretRef: {name: web}}]
        command: [sh, -c, 'echo \"$PASSWORD $URL $API_TOKEN is wrong\"; exit 3']
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_evidence_of_a_failure_is_kept_and_no_secret_with_it() {
    let test = "the_evidence_of_a_failure_is_kept_and_no_secret_with_it";
    let Some(place) = Place::find(test).await else { return };
    let registry = TestRegistry::start().await;
    let Some(image) = push(test, &registry, &["true"]).await else { return };
    fs::write(place.directory.path().join("k8s.yaml"), TALKATIVE).unwrap();
    let ended = place.run(&["-f", "k8s.yaml", "--image", &image.to_string(), "--report", "report"]);
    assert!(ended.failure().ends_with("exit 8"), "{ended}");
    assert!(ended.stderr.contains("[redacted] is wrong"), "{ended}");
    assert!(!ended.stderr.contains("canary"), "{ended}");
    let report = place.directory.path().join("report");
    for entry in fs::read_dir(&report).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read_to_string(&path).unwrap();
        assert!(!content.contains("canary"), "{}: {content}", path.display());
    }
    let logs = read(&report, "logs.txt");
    assert!(logs.contains(" web (previous) <==") && logs.contains(" web (current) <=="), "{logs}");
    assert!(logs.contains("[redacted] is wrong"), "{logs}");
    assert!(read(&report, "events.txt").contains("Started"), "{ended}");
    let objects = read(&report, "objects.yaml");
    for kind in ["Secret", "Deployment", "ReplicaSet", "Pod"] {
        assert!(objects.contains(&format!("kind: {kind}\n")), "{kind} in {objects}");
    }
    assert!(!objects.contains("managedFields"), "{objects}");
    let junit = read(&report, "junit.xml");
    assert!(junit.contains("<failure type=\"CrashLoop\""), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&read(&report, "evidence.json")).unwrap();
    assert_eq!(json["problem"]["code"], 8);
    assert_eq!(json["diagnoses"][0]["cause"], "CrashLoop");
    assert!(read(&report, "summary.md").starts_with("## web "), "{ended}");
}

/// A deploy of a program that never listens, with a report.
struct Waiting {
    place: Place,
    child: Child,
    /// The pod's image is in there.
    _registry: TestRegistry,
}

async fn waiting(test: &str, variables: &[(&str, &str)]) -> Option<Waiting> {
    let place = Place::find(test).await?;
    let registry = TestRegistry::start().await;
    let image = push(test, &registry, &["sh", "-c", "echo here I am; sleep 600"]).await?;
    let arguments = ["--image", &image.to_string(), "--replicas", "1", "--report", "report"];
    let child = place.command(&arguments).envs(variables.iter().copied()).spawn().unwrap();
    Some(Waiting { place, child, _registry: registry })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_leaves_its_evidence() {
    let test = "a_job_that_is_cancelled_leaves_its_evidence";
    let Some(Waiting { place, child, _registry }) = waiting(test, &[]).await else { return };
    wait_for("the pod", || place.run(&["status"]).stdout.contains("0 of 1 updated replicas"));
    // A moment in which nothing is said about the pod: it runs, and its probe has time.
    thread::sleep(Duration::from_secs(3));
    assert!(kill(&child, "TERM"));
    let ended = Ended::of(child);
    assert!(ended.failure().ends_with("exit 143"), "{ended}");
    let report = place.directory.path().join("report");
    assert!(read(&report, "logs.txt").contains("here I am"), "{ended}");
    let json: serde_json::Value = serde_json::from_str(&read(&report, "evidence.json")).unwrap();
    assert_eq!(json["problem"]["code"], 143);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_ci_job_is_not_waited_for() {
    let test = "the_end_of_the_ci_job_is_not_waited_for";
    // Of 24 seconds that are left, half are for the rollout.
    let started = Timestamp::now() - SignedDuration::from_secs(576);
    let started = started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let variables = [("CI_JOB_STARTED_AT", started.as_str()), ("CI_JOB_TIMEOUT", "600")];
    let begun = Instant::now();
    let Some(Waiting { place, child, _registry }) = waiting(test, &variables).await else { return };
    let ended = Ended::of(child);
    assert!(begun.elapsed() < Duration::from_secs(24), "it is too late: {ended}");
    let failure = ended.failure();
    assert!(
        failure.contains("the CI job's own `timeout:`") && failure.ends_with("exit 70"),
        "{ended}"
    );
    let report = place.directory.path().join("report");
    assert!(read(&report, "junit.xml").contains("<failure "), "{ended}");
}
