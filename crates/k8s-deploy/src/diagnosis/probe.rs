//! Containers that run and are not ready.

use std::time::Duration;

use serde_json::Value;

use super::{Cause, Diagnosis, Grade, Subject, container::log_lines};

/// Tells whether the kubelet has ended the container because a probe failed.
pub(super) fn has_killed(subject: &Subject<'_>) -> bool {
    let events = subject.scene.events.messages(subject.pod.uid(), "Killing");
    events
        .iter()
        .any(|message| message.contains("failed liveness") || message.contains("failed startup"))
}

pub(super) fn diagnose(subject: &Subject<'_>) -> Option<Diagnosis> {
    let spec = subject.spec()?;
    let unhealthy = |what: &str| subject.scene.events.newest(subject.pod.uid(), "Unhealthy", what);
    let is_started = subject.status["started"] == true;
    // Of the three, the one that stands in the way now.
    if let Some(message) = unhealthy("Startup probe failed").filter(|_| !is_started) {
        return Some(startup(subject, &spec["startupProbe"], message));
    }
    if let Some(message) = unhealthy("Liveness probe failed").filter(|_| has_killed(subject)) {
        let hint =
            "give a slow start a startupProbe; a liveness probe must not ask for other services"
                .to_owned();
        return Some(
            subject
                .diagnosis(
                    Cause::LivenessKills,
                    Grade::probable(10),
                    match subject.restarts() {
                        0 => "the liveness probe fails and has it restarted".into(),
                        restarts => format!(
                            "the liveness probe fails and has it restarted, {}",
                            super::times(restarts)
                        ),
                    },
                )
                .with_evidence([message])
                .with_evidence(log_lines(subject))
                .with_hint(advice(message).unwrap_or(hint)),
        );
    }
    let message = unhealthy("Readiness probe failed")?;
    let probe = &spec["readinessProbe"];
    let patience = budget(probe);
    // An answer of 4xx does not change while a program warms up; everything else may.
    let grade = match status_code(message) {
        Some(400..=499) => Grade::Probable { grace: patience },
        _ => Grade::Probable { grace: (patience * 3).max(Duration::from_mins(1)) },
    };
    Some(
        subject
            .diagnosis(
                Cause::NotReady,
                grade,
                format!("the readiness probe fails: {}", answer(message, probe)),
            )
            .with_evidence([message])
            .with_evidence(log_lines(subject))
            .with_hint(advice(message)),
    )
}

fn startup(subject: &Subject<'_>, probe: &Value, message: &str) -> Diagnosis {
    let grade = match (status_code(message), subject.restarts()) {
        // A program that answers has started; what it answers will not change by waiting.
        (Some(400..=499), _) => Grade::probable(8),
        (_, 0) if !has_killed(subject) => Grade::Transient,
        _ => Grade::probable(5),
    };
    let budget = budget(probe).as_secs();
    let summary = match subject.restarts() {
        0 if has_killed(subject) => {
            format!("it did not start within {budget} s: {}", answer(message, probe))
        }
        0 => format!("the startup probe fails: {}", answer(message, probe)),
        n => format!(
            "it did not start within {budget} s and was restarted {}: {}",
            super::times(n),
            answer(message, probe)
        ),
    };
    subject
        .diagnosis(Cause::NotStarted, grade, summary)
        .with_evidence([message])
        .with_evidence(log_lines(subject))
        .with_hint(advice(message))
}

/// Returns how long a probe takes to fail for good.
pub(crate) fn budget(probe: &Value) -> Duration {
    // The defaults of the API (core/v1 Probe).
    let seconds = |field: &str, default: u64| probe[field].as_u64().unwrap_or(default);
    Duration::from_secs(
        seconds("initialDelaySeconds", 0)
            + seconds("periodSeconds", 10) * seconds("failureThreshold", 3),
    )
}

/// Reads `HTTP probe failed with statuscode: 400`.
fn status_code(message: &str) -> Option<u16> {
    message.split_once("statuscode: ")?.1.trim().get(..3)?.parse().ok()
}

fn answer(message: &str, probe: &Value) -> String {
    let path = probe.pointer("/httpGet/path").and_then(Value::as_str);
    match (path, status_code(message)) {
        (Some(path), Some(code)) => format!("`{path}` answers with {code}"),
        (Some(path), None) if message.contains("connection refused") => {
            format!("nothing listens on the port that is asked for `{path}`")
        }
        (None, None) if message.contains("connection refused") => {
            "nothing listens on the port".into()
        }
        _ if message.contains("deadline exceeded") || message.contains("timeout") => {
            "there is no answer in time".into()
        }
        _ => message.split_once("failed: ").map_or(message, |(_, rest)| rest).trim().into(),
    }
}

fn advice(message: &str) -> Option<String> {
    Some(match status_code(message) {
        // The kubelet asks by the pod's address, which Django's host check does not know.
        Some(400) => "a Django application answers 400 to a host that is not in ALLOWED_HOSTS, and the kubelet asks by \
                      the pod's address: answer health checks before the host check"
            .into(),
        Some(401 | 403) => "a health check must not ask for a login".into(),
        Some(404) => "is the probe's path right?".into(),
        Some(301 | 302 | 307 | 308) => "is the probe redirected to HTTPS?".into(),
        Some(500..=599) => "the log of the container says why".into(),
        None if message.contains("deadline exceeded") || message.contains("Timeout") => {
            "raise `timeoutSeconds`, or have the check do less".into()
        }
        None if message.contains("connection refused") => {
            "does the program listen on this port, and on 0.0.0.0 rather than 127.0.0.1?".into()
        }
        _ => return None,
    })
}
