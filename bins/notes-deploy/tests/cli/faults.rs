//! What goes wrong on a cluster that runs: the cause in one line, its evidence, the exit code, and what is left.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use notes_oci::{ImageSink as _, Pinned};
use notes_registry::{Options, Remote};
use notes_testkit::{Chance, image, registry::TestRegistry};

use crate::world::{Ended, PINNED, Place};

/// How long a deploy that was told to stop may take, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pushes an image whose program is `command`, or says why `test` is skipped.
pub(crate) async fn push(test: &str, registry: &TestRegistry, command: &[&str]) -> Option<Pinned> {
    let image = image::busybox(test, command)?;
    let remote = Remote::new(Options::default()).unwrap();
    Some(remote.write(&image, &registry.reference("team/web:1")).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misspelt_kind_changes_nothing() {
    let Some(place) = Place::find("a_misspelt_kind_changes_nothing").await else { return };
    let k8s = place.directory.path().join("k8s.yaml");
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    fs::write(
        k8s,
        format!("{service}---\napiVersion: apps/v1\nkind: Deploymenit\nmetadata: {{name: web}}\n"),
    )
    .unwrap();
    let ended = place.run(&["-f", "k8s.yaml", "--image", PINNED]);
    insta::assert_snapshot!(ended.failure(), @r"
    error: k8s.yaml:7: there is no kind `Deploymenit` in `apps/v1`
     --> k8s.yaml:7:1
      |
    7 | kind: Deploymenit
      | ^^^^^^^^^^^^^^^^^
    hint: did you mean `apps/v1 Deployment`?
    exit 3
    ");
    assert!(place.is_untouched().await, "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_the_cluster_does_not_know_are_denied() {
    let test = "credentials_that_the_cluster_does_not_know_are_denied";
    let Some(mut place) = Place::find(test).await else { return };
    place.replace_credentials("wrong-token");
    let ended = place.run(&["--image", PINNED]);
    let failure = ended.failure();
    assert!(failure.ends_with("exit 4") && failure.contains("\nhint: "), "{ended}");
    assert!(!ended.stderr.contains("wrong-token"), "{ended}");
    assert!(place.is_untouched().await, "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_in_no_registry_is_never_applied() {
    let test = "an_image_that_is_in_no_registry_is_never_applied";
    let Some(place) = Place::find(test).await else { return };
    let registry = TestRegistry::start().await;
    let image = registry.reference("team/web:a3f92bd").to_string();
    let failure =
        place.run(&["--image", &image]).failure().replace(registry.registry().as_str(), "REGISTRY");
    insta::assert_snapshot!(failure, @r"
    error: there is no image `REGISTRY/team/web:a3f92bd`: `HEAD http://REGISTRY/v2/team/web/manifests/a3f92bd` was answered with 404: Not Found
    hint: `notes-build` builds and pushes the image of a commit
    exit 3
    ");
    assert!(place.is_untouched().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_never_become_ready_are_explained() {
    let test = "pods_that_never_become_ready_are_explained";
    let Some(place) = Place::find(test).await else { return };
    let registry = TestRegistry::start().await;
    let Some(image) = push(test, &registry, &["sleep", "600"]).await else { return };
    let ended = place.run(&["--image", &image.to_string(), "--replicas", "1", "--timeout", "20s"]);
    let failure = ended.failure();
    assert!(failure.ends_with("exit 70") && failure.contains("\nhint: "), "{ended}");
    assert!(failure.contains("the startup probe fails: nothing listens on the port"), "{ended}");
    assert!(ended.stderr.contains("connection refused"), "the evidence stands above: {ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_ends_at_once_is_explained_long_before_the_time_is_up() {
    let test = "a_program_that_ends_at_once_is_explained_long_before_the_time_is_up";
    let Some(place) = Place::find(test).await else { return };
    let registry = TestRegistry::start().await;
    let program = ["sh", "-c", "echo the key is missing >&2; exit 3"];
    let Some(image) = push(test, &registry, &program).await else { return };
    let ended = place.run(&["--image", &image.to_string(), "--replicas", "1"]);
    assert!(ended.failure().ends_with("exit 8"), "{ended}");
    assert!(ended.stderr.contains("the key is missing"), "the last lines are shown: {ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_can_be_stopped_at_any_moment() {
    let test = "a_deploy_can_be_stopped_at_any_moment";
    let Some(place) = Place::find(test).await else { return };
    let registry = TestRegistry::start().await;
    let serve = ["httpd", "-f", "-p", "8080", "-h", "/bin"];
    let Some(image) = push(test, &registry, &serve).await else { return };
    let image = image.to_string();
    // The pods of each round differ by this, so that each has something to roll out.
    let settings = |round: usize| {
        fs::write(
            place.directory.path().join("notes.toml"),
            format!("[deploy]\nname = \"web\"\nport = 8080\nreplicas = 1\n[deploy.env]\nROUND = \"{round}\"\n"),
        )
        .unwrap();
    };
    settings(0);
    let begun = Instant::now();
    let first = place.run(&["--image", &image]);
    assert_eq!((first.code, first.stdout.trim_end()), (Some(0), image.as_str()), "{first}");
    let took = begun.elapsed();
    let mut chance = Chance::new(test);
    for round in chance.rounds(4, 50).map(|round| round + 1) {
        settings(round);
        let (signal, code) = chance.pick(&[("INT", 130), ("TERM", 143)]);
        let moment = chance.moment(took + took / 10);
        let mut child = place.command(&["--image", &image]).spawn().unwrap();
        thread::sleep(moment);
        // Fails where it has ended already, which is as good.
        let _ = kill(&child, signal);
        let ended = end(&mut child);
        let said = Ended::of(child);
        let context = format!("round {round}, SIG{signal} after {moment:?}: {ended:?}\n{said}");
        match ended {
            Some(0) => assert_eq!(said.stdout.trim_end(), image, "{context}"),
            _ => {
                assert_eq!((ended, said.stdout.as_str()), (Some(code), ""), "{context}");
            }
        }
        let next = place.run(&["--image", &image]);
        assert_eq!(
            (next.code, next.stdout.trim_end()),
            (Some(0), image.as_str()),
            "{context}{next}"
        );
    }
    let history = place.run(&["history"]);
    let newest = history.stdout.lines().nth(1).unwrap_or_default();
    assert!(newest.contains("deployed"), "no trace of what was stopped is left on top: {history}");
}

pub(crate) fn kill(child: &Child, signal: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args([&format!("-{signal}"), &child.id().to_string()]).stderr(Stdio::null());
    kill.status().unwrap().success()
}

/// The exit code as a shell reports it; panics where the process does not end.
fn end(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            // Before there are handlers, the signal itself ends the process.
            return status.code().or(status.signal().map(|signal| 128 + signal));
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
