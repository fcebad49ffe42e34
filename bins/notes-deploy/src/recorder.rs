//! Keeps what a deploy leaves behind for its report: once, before anything is changed back.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use notes_console::{Failure, Session, signal};
use notes_k8s_deploy::{
    Cluster, Manifest, Origin, Release, Reporter,
    evidence::{Timeline, collect},
    migration::Migration,
};

use crate::{
    limit::JobLimit,
    report::{Ending, Report, Story},
};

/// How long reading the evidence may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The same for a job that was cancelled: a runner waits ten seconds or so before it kills.
const LIMIT_WHEN_STOPPED: Duration = Duration::from_secs(6);

/// Hears a deploy, and writes its report where one is wanted.
pub(crate) struct Recorder<'a> {
    session: &'a Session,
    cluster: &'a Cluster,
    /// The release, and the Job before it.
    release: Release,
    report: Option<&'a Report>,
    begun: Timestamp,
    timeline: Timeline<'a>,
    /// What was kept. A later end of the same deploy adds to it and does not replace it.
    story: Mutex<Option<Story>>,
}

impl<'a> Recorder<'a> {
    /// Begins to hear.
    pub(crate) fn new(
        session: &'a Session,
        cluster: &'a Cluster,
        release: &'a Release,
        report: Option<&'a Report>,
        reporter: &'a dyn Reporter,
    ) -> Self {
        let timeline = Timeline::new(reporter, Timestamp::now);
        let begun = Timestamp::now();
        let release = release.clone();
        Self { session, cluster, release, report, begun, timeline, story: Mutex::default() }
    }

    /// Returns the cluster that is deployed to.
    pub(crate) fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// Counts the Job of a migration to what is told of.
    pub(crate) fn with_migration(mut self, migration: Option<&Migration>) -> Self {
        if let Some(object) = migration.and_then(|migration| migration.job(&self.release).ok()) {
            let origin = Origin { file: "migration".into(), line: 1 };
            self.release.manifests.insert(0, Manifest { object, origin });
        }
        self
    }

    /// Returns what is to be told of the deploy.
    pub(crate) fn reporter(&self) -> &Timeline<'a> {
        &self.timeline
    }

    /// Keeps the evidence and writes the report.
    pub(crate) async fn record(&self, ending: &Ending) {
        self.keep(ending, LIMIT).await;
    }

    /// Adds what was done after the deploy failed.
    pub(crate) fn conclude(&self, text: &str) {
        let mut kept = self.story.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(report), Some(story)) = (self.report, kept.take()) {
            self.write(report, kept.insert(story.with_afterwards(text, self.timeline.moments())));
        }
    }

    /// Carries out `work` unless a signal comes or the CI job is about to end; then the evidence is kept first.
    pub(crate) async fn unless_stopped(
        &self,
        limit: JobLimit,
        left: &str,
        work: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let failure = tokio::select! {
            result = work => return result,
            kind = signal::received() => signal::stopped(kind, left),
            () = limit.is_near(self.begun) => JobLimit::reached(left),
        };
        let is_kept = self.story.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_kept {
            self.conclude(&failure.to_string());
            return Err(failure);
        }
        let ending = Ending { failure: Some(failure), ..Ending::default() };
        tokio::select! {
            () = self.keep(&ending, LIMIT_WHEN_STOPPED) => {}
            _ = signal::received() => {}
        }
        ending.into_result()
    }

    async fn keep(&self, ending: &Ending, limit: Duration) {
        let Some(report) = self.report else { return };
        let evidence = collect(self.cluster, &self.release, limit).await;
        let story =
            Story::new(&self.release, ending, self.begun, self.timeline.moments(), evidence);
        self.write(report, &story);
        *self.story.lock().unwrap_or_else(PoisonError::into_inner) = Some(story);
    }

    /// Writes the files. That they cannot be written any more is no reason to call a deploy that stands a failure.
    fn write(&self, report: &Report, story: &Story) {
        match report.write(story) {
            Ok(()) => {
                self.session.ui.detail(format_args!("report in {}", report.directory().display()));
            }
            Err(failure) => self.session.ui.warning(failure),
        }
    }
}
