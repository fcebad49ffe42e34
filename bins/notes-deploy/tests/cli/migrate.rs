//! `[deploy.migrate]`: a Job before the rollout, once for each commit.

use std::fs;

use notes_testkit::registry::TestRegistry;

use crate::{
    faults::push,
    world::{PINNED, Place, project, run},
};

/// A server that runs at once, with what only this release brings.
const MANIFESTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Secret
metadata: {name: greeting}
stringData: {GREETING: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: IMAGE_PLACEHOLDER
        command: [httpd, -f, -p, '8080']
        ports: [{containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        envFrom: [{secretRef: {name: greeting}}]
";

/// A project whose manifests run an image of busybox, and how it is deployed.
struct World {
    place: Place,
    image: String,
    _registry: TestRegistry,
}

impl World {
    async fn find(test: &str) -> Option<Self> {
        let place = Place::find(test).await?;
        let registry = TestRegistry::start().await;
        let image = push(test, &registry, &["true"]).await?.to_string();
        fs::write(place.directory.path().join("k8s.yaml"), MANIFESTS).unwrap();
        Some(Self { place, image, _registry: registry })
    }

    fn settings(&self, migrate: &str) {
        let text = format!(
            "[deploy]\nname = \"web\"\nmanifests = \"k8s.yaml\"\n[deploy.migrate]\n{migrate}\n"
        );
        fs::write(self.place.directory.path().join("notes.toml"), text).unwrap();
    }

    fn deploy(&self, arguments: &[&str]) -> crate::world::Ended {
        self.place.run(&[&["--image", &self.image][..], arguments].concat())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_runs_once_for_a_commit_and_before_anything_else() {
    let test = "a_migration_runs_once_for_a_commit_and_before_anything_else";
    let Some(world) = World::find(test).await else { return };
    world.settings("command = 'echo first; sleep 1; echo \"$GREETING\" again'");
    let first = world.deploy(&[]);
    assert_eq!(first.code, Some(0), "{first}");
    let at = |text: &str| first.stderr.find(text).unwrap_or_else(|| panic!("`{text}` in {first}"));
    assert!(at("| first") < at("| hello again"), "{first}");
    assert!(at("| hello again") < at("Created deployment/web"), "{first}");
    let second = world.deploy(&[]);
    assert_eq!(second.code, Some(0), "{second}");
    assert!(!second.stderr.contains("migrate"), "{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_fails_stops_the_release_and_is_run_again() {
    let test = "a_migration_that_fails_stops_the_release_and_is_run_again";
    let Some(world) = World::find(test).await else { return };
    world.settings("command = [\"sh\", \"-c\", \"echo no such table; exit 3\"]");
    for _ in 0..2 {
        let failed = world.deploy(&["--rollback", "--report", "report"]);
        let failure = failed.failure();
        assert!(failure.starts_with("error: the migration failed: pod/web-migrate-"), "{failed}");
        assert!(failure.contains("it ended with exit code 3"), "{failed}");
        assert!(failure.ends_with("exit 8"), "{failed}");
        assert!(failed.stderr.contains("| no such table"), "it has run: {failed}");
        assert!(!failed.stderr.contains("deployment/web"), "nothing else was changed: {failed}");
    }
    let junit = fs::read_to_string(world.place.directory.path().join("report/junit.xml")).unwrap();
    assert!(junit.contains("name=\"job/web-migrate-"), "{junit}");
    assert!(junit.contains("failures=\"1\""), "{junit}");
    let without = world.deploy(&["--no-migrate"]);
    assert_eq!(without.code, Some(0), "{without}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_takes_too_long_is_ended() {
    let test = "a_migration_that_takes_too_long_is_ended";
    let Some(world) = World::find(test).await else { return };
    world.settings("command = [\"sleep\", \"600\"]\ntimeout = \"8s\"");
    let ended = world.deploy(&[]);
    assert!(ended.failure().ends_with("exit 70"), "{ended}");
    assert!(ended.failure().contains("it had not ended after 8 s"), "{ended}");
    // It is not taken for one that runs, and has left the way.
    world.settings("command = [\"true\"]");
    let next = world.deploy(&[]);
    assert_eq!(next.code, Some(0), "{next}");
}

#[test]
fn the_command_is_a_setting_like_others() {
    let directory = project();
    let shown = |arguments: &[&str]| {
        let arguments = [&["config", "show"][..], arguments].concat();
        let ended =
            run(directory.path(), &[("NOTES_DEPLOY_MIGRATE", "rake db:migrate")], &arguments, "");
        let row =
            ended.stdout.lines().find(|line| line.starts_with("deploy.migrate.command")).unwrap();
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&[]), "rake db:migrate NOTES_DEPLOY_MIGRATE");
    assert_eq!(shown(&["--migrate", "true"]), "true --migrate");
    assert_eq!(shown(&["--no-migrate"]), "- --no-migrate");
    let roles = |arguments: &[&str]| {
        run(directory.path(), &[], &[&["rbac"][..], arguments].concat(), "").stdout
    };
    assert!(!roles(&[]).contains("jobs") && roles(&["--migrate", "true"]).contains("jobs"));
    let none = "{apiVersion: v1, kind: ConfigMap, metadata: {name: none}}";
    fs::write(directory.path().join("k8s.yaml"), none).unwrap();
    let ended =
        run(directory.path(), &[], &["-f", "k8s.yaml", "--image", PINNED, "--migrate", "true"], "");
    assert_eq!(ended.code, Some(3), "{ended}");
}
