//! Every explanation as a person reads it, one snapshot of all.

use super::*;
use crate::{judge, rollout};

/// All causes, in the order of [`Cause`].
const ALL: [Cause; 30] = [
    Cause::ImageNotFound,
    Cause::ImagePullDenied,
    Cause::ImageRateLimited,
    Cause::RegistryUnreachable,
    Cause::ImageNameInvalid,
    Cause::ImageNeverPulled,
    Cause::ImagePullFailed,
    Cause::WrongPlatform,
    Cause::SecretMissing,
    Cause::ConfigMapMissing,
    Cause::RunsAsRoot,
    Cause::ContainerConfig,
    Cause::CommandNotFound,
    Cause::CrashLoop,
    Cause::InitFailed,
    Cause::OutOfMemory,
    Cause::NotReady,
    Cause::NotStarted,
    Cause::LivenessKills,
    Cause::Unschedulable,
    Cause::VolumeFailed,
    Cause::QuotaExceeded,
    Cause::PodSecurity,
    Cause::ServiceAccountMissing,
    Cause::PodsRefused,
    Cause::Paused,
    Cause::ProgressDeadline,
    Cause::Superseded,
    Cause::Deleted,
    Cause::Reported,
];

#[test]
fn every_cause_is_explained() {
    let mut text = String::new();
    for (place, cause) in ALL.into_iter().enumerate() {
        assert_eq!(cause as usize, place, "{cause:?} is not where it is in `Cause`");
        let examples = examples(cause);
        assert!(!examples.is_empty(), "{cause:?} has no example");
        for diagnosis in examples {
            assert_eq!(diagnosis.cause, cause, "{diagnosis:?}");
            text.push_str(&explained(&diagnosis));
        }
    }
    insta::assert_snapshot!(text);
}

fn explained(diagnosis: &Diagnosis) -> String {
    let Diagnosis { cause, place, summary, grade, evidence, hint, .. } = diagnosis;
    let grade = match grade {
        Grade::Certain => "certain".to_owned(),
        Grade::Probable { grace } => format!("probable after {} s", grace.as_secs()),
        Grade::Transient => "transient".to_owned(),
    };
    let mut text = format!("{cause:?}, {grade}: {place}: {summary}\n");
    for line in evidence.iter().map(|line| format!("  {line}\n")) {
        text.push_str(&line);
    }
    if let Some(hint) = hint {
        text.extend(["hint: ", hint, "\n"]);
    }
    text + "\n"
}

/// Returns what is said in each of the ways in which something can be the cause. A new cause does not compile without.
fn examples(cause: Cause) -> Vec<Diagnosis> {
    match cause {
        Cause::ImageNotFound
        | Cause::ImagePullDenied
        | Cause::ImageRateLimited
        | Cause::RegistryUnreachable
        | Cause::ImageNameInvalid
        | Cause::ImageNeverPulled
        | Cause::ImagePullFailed => first(images(cause)),
        Cause::WrongPlatform => first([
            waiting("ErrImagePull", "no match for platform in manifest: not found"),
            waiting("RunContainerError", "exec /app: exec format error"),
            ended(1, exit(255)).log("exec /app: exec format error"),
        ]),
        Cause::SecretMissing => first([
            config_error("secret \"settings\" not found"),
            unmounted("secret \"tls\" not found"),
        ]),
        Cause::ConfigMapMissing => first([
            config_error("configmap \"settings\" not found"),
            unmounted("configmap \"settings\" not found"),
        ]),
        Cause::RunsAsRoot => {
            first([config_error("container has runAsNonRoot and image will run as root")])
        }
        Cause::ContainerConfig => first([
            config_error("invalid subPath"),
            waiting("CreateContainerError", "context deadline exceeded"),
        ]),
        Cause::CommandNotFound | Cause::CrashLoop | Cause::OutOfMemory => first(ends(cause)),
        Cause::InitFailed => first([init_container_that_ended()]),
        Cause::NotReady => first([
            unready("HTTP probe failed with statuscode: 400"),
            unready("HTTP probe failed with statuscode: 404"),
            unready("HTTP probe failed with statuscode: 503"),
            unready(
                "Get \"http://10.0.0.1:80/readyz\": dial tcp 10.0.0.1:80: connect: connection refused",
            ),
            unready(
                "Get \"http://10.0.0.1:80/readyz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            ),
            unready("no queue"),
        ]),
        Cause::NotStarted => {
            let refused = "Startup probe failed: dial tcp: connection refused";
            let not_found = "Startup probe failed: HTTP probe failed with statuscode: 404";
            first([
                running(false, 0).event("Unhealthy", refused),
                running(false, 0).event("Unhealthy", not_found),
                running(false, 2).event("Unhealthy", refused),
            ])
        }
        Cause::LivenessKills => {
            let failed = "Liveness probe failed: HTTP probe failed with statuscode: 500";
            let killed = "Container web failed liveness probe, will be restarted";
            first([
                running(true, 0).event("Unhealthy", failed).event("Killing", killed),
                running(true, 2).event("Unhealthy", failed).event("Killing", killed),
            ])
        }
        Cause::Unschedulable => first(unplaced()),
        Cause::VolumeFailed => first([unmounted("rpc error: code = Internal desc = disk is busy")]),
        Cause::QuotaExceeded
        | Cause::PodSecurity
        | Cause::ServiceAccountMissing
        | Cause::PodsRefused => first(refused(cause)),
        Cause::Paused => {
            let mut paused = case(Value::Null);
            paused.workload["spec"]["paused"] = true.into();
            first([paused])
        }
        Cause::Superseded => {
            let mut replaced = case(Value::Null);
            replaced.workload["metadata"]["annotations"]["notes-deploy/commit"] = "bbbbbbbb".into();
            first([replaced])
        }
        Cause::ProgressDeadline => reported(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "generation": 1},
            "status": {"observedGeneration": 1, "conditions": [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
            ]},
        })),
        Cause::Reported => reported(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
            "status": {"conditions": [
                {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"},
            ]},
        })),
        Cause::Deleted => vec![rollout::deleted(&Object::new(case(Value::Null).workload).id())],
    }
}

/// Returns the first diagnosis of each case, which is the one that a failure is named by.
fn first(cases: impl IntoIterator<Item = Case>) -> Vec<Diagnosis> {
    let first = |case: Case| case.found().into_iter().next().expect("something is wrong");
    cases.into_iter().map(first).collect()
}

fn reported(workload: Value) -> Vec<Diagnosis> {
    let workload = Object::new(workload);
    rollout::reported(&workload.id(), &workload, &judge(&workload), &[]).into_iter().collect()
}

fn exit(code: i64) -> Value {
    json!({"exitCode": code, "reason": "Error"})
}

fn images(cause: Cause) -> Vec<Case> {
    let pull = |text: &str| waiting("ErrImagePull", text);
    match cause {
        Cause::ImageNotFound => {
            vec![pull("failed to pull: docker.io/user/app@sha256:00: not found")]
        }
        Cause::ImagePullDenied => {
            let denied =
                "pull access denied, repository does not exist or may require authorization";
            let secrets = json!([{"name": "registry"}]);
            vec![pull(denied), pull(denied).set("/spec", "imagePullSecrets", secrets)]
        }
        Cause::ImageRateLimited => vec![pull("429 Too Many Requests - toomanyrequests")],
        Cause::RegistryUnreachable => vec![
            pull("dial tcp 10.0.0.1:5000: connect: connection refused"),
            pull(
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ),
        ],
        Cause::ImageNameInvalid => vec![waiting("InvalidImageName", "couldn't parse image name")],
        Cause::ImageNeverPulled => {
            vec![waiting("ErrImageNeverPull", "not present with pull policy of Never")]
        }
        _ => vec![pull("failed to extract layer: no space left on device")],
    }
}

fn config_error(message: &str) -> Case {
    waiting("CreateContainerConfigError", message)
}

fn unmounted(why: &str) -> Case {
    case(Value::Null)
        .event("FailedMount", &format!("MountVolume.SetUp failed for volume \"v\" : {why}"))
}

fn unready(why: &str) -> Case {
    running(true, 0).event("Unhealthy", &format!("Readiness probe failed: {why}"))
}

fn ends(cause: Cause) -> Vec<Case> {
    match cause {
        Cause::CommandNotFound => vec![
            waiting("RunContainerError", "exec: \"gunicron\": executable file not found in $PATH"),
            ended(1, exit(126)),
            ended(1, exit(127)),
        ],
        Cause::OutOfMemory => {
            let killed = || json!({"exitCode": 137, "reason": "OOMKilled"});
            vec![ended(1, killed()), ended(2, killed()).log("loading the model")]
        }
        _ => vec![
            ended(1, exit(3)),
            ended(2, exit(3)).log("unexpected end"),
            ended(4, exit(3)),
            ended(3, exit(0)),
            ended(3, exit(139)),
            ended(2, exit(1)).log("ModuleNotFoundError: No module named 'django'"),
            ended(4, exit(1))
                .log("OperationalError: connection to server at \"db\" failed: Connection refused"),
        ],
    }
}

fn init_container_that_ended() -> Case {
    let status = json!([{
        "name": "web", "restartCount": 2, "state": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }]);
    case(json!({"name": "x", "state": {"waiting": {"reason": "PodInitializing"}}}))
        .set("/spec", "initContainers", json!([{"name": "web"}]))
        .set("/status", "initContainerStatuses", status)
        .log("relation \"notes\" already exists")
}

fn unplaced() -> Vec<Case> {
    let unplaced = |message: &str| {
        let condition = json!([{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        }]);
        case(Value::Null).set("/status", "conditions", condition)
    };
    [
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.",
        "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: db}.",
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        "0/1 nodes are available: persistentvolumeclaim \"data\" not found.",
    ]
    .map(unplaced)
    .into()
}

fn refused(cause: Cause) -> Vec<Case> {
    let refused = |message: &str| {
        let mut refused = case(Value::Null);
        refused.replica_set = Some(json!({
            "kind": "ReplicaSet", "metadata": {"name": "web-7f", "uid": "r"},
            "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]},
        }));
        refused
    };
    let messages: &[&str] = match cause {
        Cause::QuotaExceeded => &[
            "pods \"web-7f-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1",
        ],
        Cause::PodSecurity => &[
            "pods \"web-7f-x\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
        ],
        Cause::ServiceAccountMissing => &[
            "pods \"web-7f-\" is forbidden: error looking up service account apps/web: serviceaccount \"web\" not found",
        ],
        _ => &[
            "Internal error occurred: failed calling webhook \"policy.example\": connection refused",
            "pods \"web-7f-x\" is forbidden: failed quota: small: must specify limits.cpu for: web",
            "admission webhook \"policy.example\" denied the request: no latest tags",
            "pods \"web-7f-x\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi",
            "Pod \"web-7f-x\" is invalid: spec.containers[0].image: Required value",
        ],
    };
    messages.iter().map(|message| refused(message)).collect()
}
