mod explanations;

use serde_json::{Value, json};

use super::*;

/// A Deployment with one pod whose parts a test sets.
struct Case {
    workload: Value,
    pod: Value,
    events: Vec<Value>,
    log: Vec<String>,
    replica_set: Option<Value>,
}

fn case(status: Value) -> Case {
    let mut case = Case {
        workload: json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "uid": "d", "annotations": {"notes-deploy/commit": "aaaaaaaa"}},
            "spec": {"replicas": 1},
        }),
        pod: json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-1", "uid": "p"},
            "spec": {"containers": [{
                "name": "web",
                "resources": {"limits": {"memory": "64Mi"}},
                "readinessProbe": {"httpGet": {"path": "/readyz"}, "periodSeconds": 5, "failureThreshold": 2},
                "startupProbe": {"httpGet": {"path": "/readyz"}, "periodSeconds": 2, "failureThreshold": 15},
            }]},
            "status": {"phase": "Pending", "containerStatuses": []},
        }),
        events: Vec::new(),
        log: Vec::new(),
        replica_set: None,
    };
    case.pod["status"]["containerStatuses"] = Value::Array(vec![status]);
    case
}

fn waiting(reason: &str, message: &str) -> Case {
    case(json!({
        "name": "web", "image": "docker.io/user/app@sha256:00", "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
    }))
}

fn ended(restarts: u64, end: Value) -> Case {
    let mut status = json!({
        "name": "web", "restartCount": restarts, "ready": false,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
    });
    status["lastState"]["terminated"] = end;
    case(status)
}

fn running(started: bool, restarts: u64) -> Case {
    case(json!({
        "name": "web", "restartCount": restarts, "ready": false, "started": started,
        "state": {"running": {}},
    }))
}

impl Case {
    fn event(mut self, reason: &str, message: &str) -> Self {
        let name = format!("e{}", self.events.len());
        self.events.push(json!({
            "metadata": {"name": name}, "involvedObject": {"uid": "p"}, "reason": reason, "message": message,
        }));
        self
    }

    fn log(mut self, text: &str) -> Self {
        self.log = text.lines().map(Into::into).collect();
        self
    }

    fn set(mut self, pointer: &str, key: &str, value: Value) -> Self {
        self.pod.pointer_mut(pointer).unwrap()[key] = value;
        self
    }

    fn found(&self) -> Vec<Diagnosis> {
        let (workload, pod) = (Object::new(self.workload.clone()), Object::new(self.pod.clone()));
        let replica_set = self.replica_set.clone().map(Object::new);
        let mut events = Events::default();
        for event in &self.events {
            events.insert(Object::new(event.clone()));
        }
        let logs = Logs::from([(("p".to_owned(), "web".to_owned()), self.log.clone())]);
        diagnose(&Scene {
            workload: &workload,
            commit: Some("aaaaaaaa"),
            replica_set: replica_set.as_ref(),
            pods: vec![&pod],
            events: &events,
            logs: &logs,
        })
    }

    /// Returns the first diagnosis as a person reads it.
    fn told(&self) -> String {
        let found = self.found();
        let Some(first) = found.first() else { return "nothing".into() };
        let grade = match first.grade {
            Grade::Certain => "certain".into(),
            Grade::Probable { grace } => format!("probable after {} s", grace.as_secs()),
            Grade::Transient => "transient".to_owned(),
        };
        let hint = first.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{:?}, {grade}: {}: {}{hint}", first.cause, first.place, first.summary)
    }
}

#[test]
fn images_that_do_not_arrive() {
    let not_found = "rpc error: code = NotFound desc = failed to pull and unpack image: docker.io/user/app@sha256:00: not found";
    insta::assert_snapshot!(waiting("ErrImagePull", not_found).told(), @r"
    ImageNotFound, certain: pod/web-1 container web: the registry has no `docker.io/user/app@sha256:00`
    hint: was it pushed, and to this registry?
    ");
    // The back-off hides the reason; the event keeps it.
    let backing_off = waiting("ImagePullBackOff", "Back-off pulling image")
        .event("Failed", &format!("Failed to pull image \"x\": {not_found}"));
    assert_eq!(backing_off.found()[0].cause, Cause::ImageNotFound);
    insta::assert_snapshot!(waiting("ErrImagePull", "pull access denied, repository does not exist or may require authorization").told(), @r"
    ImagePullDenied, certain: pod/web-1 container web: the registry does not let the node pull `docker.io/user/app@sha256:00`
    hint: name a secret with the registry's credentials in `imagePullSecrets`; is the repository's name right?
    ");
    let limited = waiting(
        "ErrImagePull",
        "429 Too Many Requests - toomanyrequests: You have reached your pull rate limit",
    );
    assert!(limited.told().starts_with("ImageRateLimited, probable after 90 s"));
    let down = waiting("ErrImagePull", "dial tcp 10.0.0.1:5000: connect: connection refused");
    assert!(down.told().starts_with("RegistryUnreachable, probable after 60 s"));
    let platform = waiting("ErrImagePull", "no match for platform in manifest: not found");
    assert_eq!(platform.found()[0].cause, Cause::WrongPlatform);
    // A port with 429 in it, and a repository that is called like a reason.
    let port = waiting(
        "ErrImagePull",
        "failed to resolve 127.0.0.1:42917/denied: 127.0.0.1:42917/denied: not found",
    );
    let image = "127.0.0.1:42917/denied";
    let port = port.set("/status/containerStatuses/0", "image", json!(image));
    assert_eq!(port.found()[0].cause, Cause::ImageNotFound);
    assert_eq!(waiting("InvalidImageName", "x").found()[0].grade, Grade::Certain);
}

#[test]
fn containers_that_cannot_be_configured_or_started() {
    insta::assert_snapshot!(waiting("CreateContainerConfigError", "secret \"notes-secret\" not found").told(), @r"
    SecretMissing, probable after 20 s: pod/web-1 container web: a Secret or a key in it is missing
    hint: create it in the same namespace, or correct the name in `notes.toml` or the manifest
    ");
    let key =
        waiting("CreateContainerConfigError", "couldn't find key url in ConfigMap apps/settings");
    assert_eq!(key.found()[0].cause, Cause::ConfigMapMissing);
    insta::assert_snapshot!(waiting("CreateContainerConfigError", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root").told(), @r"
    RunsAsRoot, certain: pod/web-1 container web: the pod forbids root, and the image does not say which other user
    hint: give the Dockerfile a numeric `USER`, as `USER 10001`
    ");
    insta::assert_snapshot!(waiting("RunContainerError", "exec: \"gunicron\": executable file not found in $PATH").told(), @r"
    CommandNotFound, certain: pod/web-1 container web: the container's command cannot be executed
    hint: check CMD and ENTRYPOINT, or `command` in the manifest
    ");
}

#[test]
fn containers_that_end() {
    let exit = |code: i64| json!({"exitCode": code, "reason": "Error"});
    let import =
        "Traceback (most recent call last):\nModuleNotFoundError: No module named 'django'";
    insta::assert_snapshot!(ended(2, exit(1)).log(import).told(), @r"
    CrashLoop, certain: pod/web-1 container web: it ended with exit code 1, twice
    hint: a package is missing in the image; is it in requirements.txt?
    ");
    // One end is no loop, and a database that is starting is waited for.
    assert!(ended(1, exit(1)).log(import).told().starts_with("CrashLoop, transient"));
    let database = "django.db.utils.OperationalError: connection to server at \"db\" failed: Connection refused";
    assert!(ended(3, exit(1)).log(database).told().starts_with("CrashLoop, transient"));
    assert!(ended(4, exit(1)).log(database).told().starts_with("CrashLoop, probable after 60 s"));
    assert!(ended(2, exit(3)).told().starts_with("CrashLoop, probable after 20 s"));
    assert!(ended(1, exit(127)).told().contains("CommandNotFound, certain"));
    let platform = ended(1, exit(255)).log("exec /app: exec format error");
    assert_eq!(platform.found()[0].cause, Cause::WrongPlatform);
    insta::assert_snapshot!(ended(2, json!({"exitCode": 137, "reason": "OOMKilled"})).told(), @r"
    OutOfMemory, certain: pod/web-1 container web: it needed more memory than its limit of 64Mi (OOMKilled)
    hint: raise `resources.limits.memory`, or start fewer workers
    ");
    let migrate = case(json!({"name": "x", "state": {"waiting": {"reason": "PodInitializing"}}}))
        .set("/spec", "initContainers", json!([{"name": "web"}]))
        .set(
            "/status",
            "initContainerStatuses",
            json!([{
                "name": "web", "restartCount": 2,
                "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
            }]),
        )
        .log("django.core.exceptions.ImproperlyConfigured: SECRET_KEY must not be empty");
    insta::assert_snapshot!(migrate.told(), @r"
    InitFailed, certain: pod/web-1 init container web: it ended with exit code 1, 3 times
    hint: a setting is missing or wrong; is every environment variable the settings need given to the pod?
    ");
}

#[test]
fn probes_that_fail() {
    insta::assert_snapshot!(running(true, 0).event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 400").told(), @r"
    NotReady, probable after 10 s: pod/web-1 container web: the readiness probe fails: `/readyz` answers with 400
    hint: a Django application answers 400 to a host that is not in ALLOWED_HOSTS, and the kubelet asks by the pod's address: answer health checks before the host check
    ");
    insta::assert_snapshot!(running(true, 0).event("Unhealthy", "Readiness probe failed: Get \"http://10.0.0.1:80/readyz\": dial tcp 10.0.0.1:80: connect: connection refused").told(), @r"
    NotReady, probable after 60 s: pod/web-1 container web: the readiness probe fails: nothing listens on the port that is asked for `/readyz`
    hint: does the program listen on this port, and on 0.0.0.0 rather than 127.0.0.1?
    ");
    let starting =
        running(false, 0).event("Unhealthy", "Startup probe failed: dial tcp: connection refused");
    assert!(starting.told().starts_with("NotStarted, transient"), "{}", starting.told());
    // A program that does not hear SIGTERM goes on for its whole period of grace.
    let ending = starting.event("Killing", "Container web failed startup probe, will be restarted");
    insta::assert_snapshot!(ending.told(), @r"
    NotStarted, probable after 5 s: pod/web-1 container web: it did not start within 30 s: nothing listens on the port that is asked for `/readyz`
    hint: does the program listen on this port, and on 0.0.0.0 rather than 127.0.0.1?
    ");
    let again =
        running(false, 1).event("Unhealthy", "Startup probe failed: dial tcp: connection refused");
    assert!(again.told().contains("it did not start within 30 s and was restarted once"));
    let killed = running(true, 2)
        .event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500")
        .event("Killing", "Container web failed liveness probe, will be restarted");
    assert!(killed.told().starts_with("LivenessKills, probable after 10 s"), "{}", killed.told());
}

#[test]
fn pods_that_are_not_created_or_placed() {
    let mut quota = case(Value::Null);
    quota.replica_set = Some(json!({
        "kind": "ReplicaSet", "metadata": {"name": "web-7f", "uid": "r"},
        "status": {"conditions": [{
            "type": "ReplicaFailure", "status": "True",
            "message": "pods \"web-7f-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0",
        }]},
    }));
    insta::assert_snapshot!(quota.told(), @r"
    QuotaExceeded, probable after 10 s: replicaset/web-7f: the namespace's quota is used up
    hint: ask for less in `resources`, have the quota raised, or delete what is not needed
    ");
    let unschedulable = case(Value::Null).set(
        "/status",
        "conditions",
        json!([{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu.",
        }]),
    );
    insta::assert_snapshot!(unschedulable.told(), @r"
    Unschedulable, probable after 120 s: pod/web-1: no node takes the pod: 0/1 nodes are available: 1 Insufficient cpu
    hint: ask for less in `resources.requests`, or add a node
    ");
    let volume = case(Value::Null).event(
        "FailedMount",
        "MountVolume.SetUp failed for volume \"s\" : secret \"tls\" not found",
    );
    assert_eq!(volume.found()[0].cause, Cause::SecretMissing);
}

#[test]
fn what_is_done_to_the_workload() {
    let mut paused = case(Value::Null);
    paused.workload["spec"]["paused"] = true.into();
    assert!(paused.told().contains("Paused, certain"));
    let mut replaced = case(Value::Null);
    replaced.workload["metadata"]["annotations"]["notes-deploy/commit"] = "bbbbbbbb".into();
    assert_eq!(replaced.found()[0].cause, Cause::Superseded);
}

#[test]
fn a_pod_that_is_ready_or_leaving_is_not_diagnosed() {
    let ready = running(true, 3)
        .event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 400")
        .set("/status", "conditions", json!([{"type": "Ready", "status": "True"}]));
    assert_eq!(ready.told(), "nothing");
    let leaving = waiting("ErrImagePull", "not found").set(
        "/metadata",
        "deletionTimestamp",
        "2026-01-01T00:00:00Z".into(),
    );
    assert_eq!(leaving.told(), "nothing");
}
