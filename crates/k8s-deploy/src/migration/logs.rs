//! What a migration says, while it says it.

use std::{collections::HashSet, future::ready};

use futures::{
    AsyncBufReadExt, StreamExt as _,
    stream::{self, BoxStream, SelectAll},
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::LogParams,
    runtime::{WatchStreamExt as _, watcher},
};

use super::job::{CONTAINER, LABEL};
use crate::{
    Cluster, Object, ObjectId, Reporter, cluster::untyped, evidence::Redactor, rollout::printable,
};

/// The lines of a Job's pods.
pub(super) struct Lines {
    job: ObjectId,
    api: Api<Pod>,
    pods: BoxStream<'static, Object>,
    open: SelectAll<BoxStream<'static, String>>,
    /// The pods whose lines are read.
    seen: HashSet<String>,
    redactor: Redactor,
}

impl Lines {
    pub(super) fn of(cluster: &Cluster, job: &ObjectId, redactor: &Redactor) -> Self {
        let namespace = job.namespace.as_deref().unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
        let config = watcher::Config::default().labels(&format!("{LABEL}={}", job.name));
        // A watch that breaks off comes back by itself; one that is not allowed leaves the migration without words.
        let pods = watcher(api.clone(), config).default_backoff().applied_objects();
        let pods = pods.filter_map(|pod| ready(pod.ok().map(|pod| untyped(&pod)))).boxed();
        Self {
            job: job.clone(),
            api,
            pods,
            open: SelectAll::new(),
            seen: HashSet::new(),
            redactor: redactor.clone(),
        }
    }

    /// Waits for the next thing that happens, and tells it.
    pub(super) async fn next(&mut self, reporter: &dyn Reporter) {
        tokio::select! {
            Some(pod) = self.pods.next() => self.attend(&pod),
            Some(line) = self.open.next(), if !self.open.is_empty() => {
                reporter.logged(&self.job, &line);
            }
            else => std::future::pending().await,
        }
    }

    /// Tells the rest, once the Job has ended.
    pub(super) async fn rest(&mut self, reporter: &dyn Reporter) {
        while self.seen.is_empty() {
            let Some(pod) = self.pods.next().await else { return };
            self.attend(&pod);
        }
        while let Some(line) = self.open.next().await {
            reporter.logged(&self.job, &line);
        }
    }

    /// Reads the lines of a pod from when its container has started.
    fn attend(&mut self, pod: &Object) {
        let status =
            pod.list("/status/containerStatuses").iter().find(|status| status["name"] == CONTAINER);
        let has_started = status.is_some_and(|status| {
            status["state"]["running"].is_object() || status["state"]["terminated"].is_object()
        });
        if !has_started || !self.seen.insert(pod.uid().into()) {
            return;
        }
        let (api, name) = (self.api.clone(), pod.name().to_owned());
        let redactor = self.redactor.clone();
        let params =
            LogParams { container: Some(CONTAINER.into()), follow: true, ..LogParams::default() };
        let lines = stream::once(async move { api.log_stream(&name, &params).await })
            .filter_map(|opened| ready(opened.ok()))
            .flat_map(AsyncBufReadExt::lines)
            .filter_map(move |line| ready(line.ok().map(|line| printable(&redactor.text(&line)))));
        self.open.push(lines.boxed());
    }
}
