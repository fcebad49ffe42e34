//! Containers that do not start, or end.

use serde_json::Value;

use super::{
    Cause, Diagnosis, Grade, Subject,
    log::{self, Verdict as LogVerdict},
};

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Init,
    Main,
}

/// The grace of what another job may be about to write. The kubelet looks again after 10 to 15 seconds (the pod workers' back-off,
/// with its jitter); what came within five seconds has been seen by then.
const MAY_COME: Grade = Grade::probable(20);

pub(super) fn diagnose(subject: &Subject<'_>) -> Option<Diagnosis> {
    match subject.waiting() {
        Some(("CreateContainerConfigError", message)) => Some(configuration(subject, message)),
        Some(("CreateContainerError" | "RunContainerError", message)) => {
            Some(start_failed(subject, message))
        }
        _ => ended(subject),
    }
}

fn configuration(subject: &Subject<'_>, message: &str) -> Diagnosis {
    let is_missing = message.contains("not found") || message.contains("couldn't find key");
    let lower = message.to_lowercase();
    let (cause, grade, summary, hint) = if is_missing && lower.contains("secret") {
        let hint =
            "create it in the same namespace, or correct the name in `notes.toml` or the manifest";
        (Cause::SecretMissing, MAY_COME, "a Secret or a key in it is missing", Some(hint))
    } else if is_missing && lower.contains("configmap") {
        let hint = "create it in the same namespace, or correct the name in the manifest";
        (Cause::ConfigMapMissing, MAY_COME, "a ConfigMap or a key in it is missing", Some(hint))
    } else if lower.contains("non-root")
        || lower.contains("runasnonroot")
        || lower.contains("run as root")
    {
        let hint = "give the Dockerfile a numeric `USER`, as `USER 10001`";
        (
            Cause::RunsAsRoot,
            Grade::Certain,
            "the pod forbids root, and the image does not say which other user",
            Some(hint),
        )
    } else {
        (Cause::ContainerConfig, Grade::probable(15), "the container cannot be configured", None)
    };
    subject
        .diagnosis(cause, grade, summary)
        .with_evidence([message])
        .with_hint(hint.map(Into::into))
}

fn start_failed(subject: &Subject<'_>, message: &str) -> Diagnosis {
    if message.contains("exec format error") {
        return wrong_platform(subject).with_evidence([message]);
    }
    let is_command =
        ["executable file not found", "no such file or directory", "permission denied"]
            .iter()
            .any(|text| message.contains(text));
    if is_command {
        subject
            .diagnosis(
                Cause::CommandNotFound,
                Grade::Certain,
                "the container's command cannot be executed",
            )
            .with_evidence([message])
            .with_hint("check CMD and ENTRYPOINT, or `command` in the manifest".to_owned())
    } else {
        subject
            .diagnosis(
                Cause::ContainerConfig,
                Grade::probable(20),
                "the container cannot be started",
            )
            .with_evidence([message])
    }
}

fn wrong_platform(subject: &Subject<'_>) -> Diagnosis {
    subject
        .diagnosis(
            Cause::WrongPlatform,
            Grade::Certain,
            "the program is made for another processor than the node's",
        )
        .with_hint("build the image for the node's platform".to_owned())
}

/// Judges how a container ended, now or before its last restart.
fn ended(subject: &Subject<'_>) -> Option<Diagnosis> {
    let now = subject.status.pointer("/state/terminated");
    let end = now.or_else(|| subject.status.pointer("/lastState/terminated"))?;
    let code = end["exitCode"].as_i64().unwrap_or(0);
    // A Job's container has done its work too.
    let is_done =
        code == 0 && (subject.role == Role::Init || subject.scene.workload.kind() == "Job");
    if is_done || subject.status["ready"] == true {
        return None;
    }
    let exits = subject.restarts() + u64::from(now.is_some());
    Some(match end["reason"].as_str() {
        Some("OOMKilled") => out_of_memory(subject, exits),
        Some("StartError" | "ContainerCannotRun") => {
            start_failed(subject, end["message"].as_str().unwrap_or_default())
        }
        // Ended by the kubelet: the probe that had it ended says more.
        _ if matches!(code, 137 | 143) && super::probe::has_killed(subject) => return None,
        _ => exited(subject, end, code, exits),
    })
}

fn out_of_memory(subject: &Subject<'_>, exits: u64) -> Diagnosis {
    let limit = subject
        .spec()
        .and_then(|spec| spec.pointer("/resources/limits/memory")?.as_str())
        .unwrap_or("the node's memory");
    let grade = if exits > 1 { Grade::Certain } else { Grade::probable(5) };
    subject
        .diagnosis(
            Cause::OutOfMemory,
            grade,
            format!("it needed more memory than its limit of {limit} (OOMKilled)"),
        )
        .with_evidence(log_lines(subject))
        .with_hint("raise `resources.limits.memory`, or start fewer workers".to_owned())
}

fn exited(subject: &Subject<'_>, end: &Value, code: i64, exits: u64) -> Diagnosis {
    let lines = subject.log();
    let verdict = log::judge(lines);
    if matches!(verdict, LogVerdict::WrongPlatform) {
        return wrong_platform(subject).with_evidence(log_lines(subject));
    }
    let cause = match (code, subject.role) {
        (126 | 127, _) => Cause::CommandNotFound,
        (_, Role::Init) => Cause::InitFailed,
        (_, Role::Main) => Cause::CrashLoop,
    };
    let grade = match (&verdict, exits) {
        _ if cause == Cause::CommandNotFound => Grade::Certain,
        // A database that is starting too is waited for, through several restarts.
        (LogVerdict::Dependency(_), ..=3) | (_, ..=1) => Grade::Transient,
        (LogVerdict::Dependency(_), _) => Grade::probable(60),
        (LogVerdict::Own(_), _) => Grade::Certain,
        (_, 2) => Grade::probable(20),
        _ => Grade::probable(5),
    };
    let how = match code {
        0 => "it ended by itself with exit code 0".into(),
        126 => "its command cannot be executed (exit code 126)".into(),
        127 => "its command was not found (exit code 127)".into(),
        129.. if code < 160 => format!("it was ended by signal {} (exit code {code})", code - 128),
        _ => format!("it ended with exit code {code}"),
    };
    let summary = match exits {
        ..=1 => how,
        _ => format!("{how}, {}", super::times(exits)),
    };
    subject
        .diagnosis(cause, grade, summary)
        .with_evidence(end["message"].as_str().map(str::trim).map(ToOwned::to_owned))
        .with_evidence(log_lines(subject))
        .with_hint(verdict.hint().or_else(|| own_hint(cause, code).map(Into::into)))
}

/// Returns advice about an end that the log says nothing about.
fn own_hint(cause: Cause, code: i64) -> Option<&'static str> {
    match cause {
        Cause::CommandNotFound => Some(
            "the image's `CMD` or the container's `command` names it: is it in the image, and may its user execute it?",
        ),
        // An init container that ends so has done its work.
        Cause::CrashLoop if code == 0 => Some(
            "a pod's command has to keep running: a server that goes to the background ends it, and a task belongs in a Job",
        ),
        _ => None,
    }
}

/// Returns the end of the container's log as evidence.
pub(super) fn log_lines(subject: &Subject<'_>) -> Vec<String> {
    const SHOWN: usize = 12;
    let lines = subject.log();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| format!("log: {line}")).collect()
}
