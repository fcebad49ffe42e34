//! The last lines of containers that ended, read once for each end.

use std::{collections::HashSet, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::LogParams};
use serde_json::Value;

use crate::{Cluster, Object, diagnosis::Logs, evidence::Redactor};

/// How many lines are read: enough for a traceback.
const LINES: i64 = 60;
/// How much is read of lines that are very long.
const BYTES: i64 = 64 * 1024;
/// How long a kubelet may take; a node that is gone must not hold up the rollout.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Reads logs, and remembers which it has read.
pub(super) struct LogReader {
    cluster: Cluster,
    redactor: Redactor,
    /// Pod uid, container, and how often it had ended.
    done: HashSet<(String, String, u64)>,
}

impl LogReader {
    pub(super) fn new(cluster: Cluster, redactor: Redactor) -> Self {
        Self { cluster, redactor, done: HashSet::new() }
    }

    /// Reads the logs of the pod's containers that have ended since the last time.
    pub(super) async fn read_ends(&mut self, pod: &Object, logs: &mut Logs) {
        for status in statuses(pod) {
            let has_ended_now = status.pointer("/state/terminated").is_some();
            let ends = status["restartCount"].as_u64().unwrap_or(0) + u64::from(has_ended_now);
            if ends == 0 || status["ready"] == true {
                continue;
            }
            let which = if has_ended_now { Which::Current } else { Which::Previous };
            self.read(pod, status, ends, which, logs).await;
        }
    }

    /// Reads the logs of the pod's containers that run.
    pub(super) async fn read_running(&mut self, pod: &Object, logs: &mut Logs) {
        for status in statuses(pod) {
            if status.pointer("/state/running").is_some() && status["ready"] != true {
                let restarts = status["restartCount"].as_u64().unwrap_or(0);
                // Kept apart from the ends by a number that they do not reach.
                self.read(pod, status, u64::MAX - restarts, Which::Current, logs).await;
            }
        }
    }

    async fn read(
        &mut self,
        pod: &Object,
        status: &Value,
        ends: u64,
        which: Which,
        logs: &mut Logs,
    ) {
        let container = status["name"].as_str().unwrap_or_default().to_owned();
        if !self.done.insert((pod.uid().into(), container.clone(), ends)) {
            return;
        }
        let params = LogParams {
            container: Some(container.clone()),
            previous: which == Which::Previous,
            tail_lines: Some(LINES),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let namespace = pod.namespace().unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(self.cluster.client().clone(), namespace);
        // A log that cannot be read is no reason to stop: the exit code is known without it.
        if let Ok(Ok(text)) = tokio::time::timeout(TIMEOUT, api.logs(pod.name(), &params)).await {
            let text = self.redactor.text(&text);
            let lines: Vec<String> =
                text.lines().map(printable).filter(|line| !line.is_empty()).collect();
            if !lines.is_empty() {
                logs.insert((pod.uid().into(), container), lines);
            }
        }
    }
}

/// Which run of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Current,
    Previous,
}

fn statuses(pod: &Object) -> impl Iterator<Item = &Value> {
    pod.list("/status/initContainerStatuses").iter().chain(pod.list("/status/containerStatuses"))
}

/// Drops what could act on a terminal: a log is written by a program that nobody vouches for.
pub(crate) fn printable(line: &str) -> String {
    line.trim_end().chars().filter(|letter| !letter.is_control() || *letter == '\t').collect()
}
