//! Why a rollout does not get on: the cause, how sure that is, the evidence, and what to do.

mod container;
mod creation;
mod event;
mod image;
mod log;
mod probe;
mod scheduling;

pub(crate) use self::{
    event::{Events, event_time},
    image::is_image_lost,
    probe::budget as probe_budget,
};

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use crate::{Object, ObjectId, release::COMMIT};

/// One thing that is wrong with a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause, for programs.
    pub cause: Cause,
    /// The workload.
    pub workload: ObjectId,
    /// Where: `pod/web-7f9c container web`.
    pub place: String,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// How sure it is that this will not go away by itself.
    pub grade: Grade,
    /// The cluster's own words, and the last lines of a container's log.
    pub evidence: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// How sure it is that something will not go away by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Waiting does not help.
    Certain,
    /// Waiting rarely helps; it has failed when it lasts.
    Probable {
        /// How long it may last.
        grace: Duration,
    },
    /// It often passes; it is shown and waited for.
    Transient,
}

impl Grade {
    const fn probable(seconds: u64) -> Self {
        Self::Probable { grace: Duration::from_secs(seconds) }
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub enum Cause {
    /// The registry has no such image.
    ImageNotFound,
    /// The registry does not let the node have the image.
    ImagePullDenied,
    /// The registry asks to wait.
    ImageRateLimited,
    /// The registry cannot be reached.
    RegistryUnreachable,
    /// The image's name is malformed.
    ImageNameInvalid,
    /// The image is not on the node, and may not be pulled.
    ImageNeverPulled,
    /// The image could not be pulled for another reason.
    ImagePullFailed,
    /// The image is for another processor.
    WrongPlatform,
    /// A Secret, or a key in it, is missing.
    SecretMissing,
    /// A `ConfigMap`, or a key in it, is missing.
    ConfigMapMissing,
    /// The image would run as root, which the pod forbids.
    RunsAsRoot,
    /// The container's configuration is wrong in another way.
    ContainerConfig,
    /// The command is not there or cannot be executed.
    CommandNotFound,
    /// A container ends again and again.
    CrashLoop,
    /// An init container fails.
    InitFailed,
    /// A container needs more memory than its limit.
    OutOfMemory,
    /// The readiness probe fails.
    NotReady,
    /// The startup probe fails.
    NotStarted,
    /// The liveness probe fails and restarts the container.
    LivenessKills,
    /// No node takes the pod.
    Unschedulable,
    /// A volume cannot be mounted.
    VolumeFailed,
    /// A quota is used up.
    QuotaExceeded,
    /// A Pod Security Standard forbids the pod.
    PodSecurity,
    /// The service account is missing.
    ServiceAccountMissing,
    /// Pods cannot be created for another reason.
    PodsRefused,
    /// The Deployment is paused.
    Paused,
    /// No progress was made within the Deployment's own deadline.
    ProgressDeadline,
    /// Somebody has deployed something else over this.
    Superseded,
    /// The workload was deleted.
    Deleted,
    /// The object itself reports a failure.
    Reported,
}

/// The last lines of a container's log, by pod uid and container name.
pub(crate) type Logs = HashMap<(String, String), Vec<String>>;

/// All that is known about one workload at one moment.
pub(crate) struct Scene<'a> {
    pub(crate) workload: &'a Object,
    /// The commit that was applied, where the workload carries one.
    pub(crate) commit: Option<&'a str>,
    pub(crate) replica_set: Option<&'a Object>,
    /// The pods of the new revision; those of older ones never fail a new one.
    pub(crate) pods: Vec<&'a Object>,
    pub(crate) events: &'a Events,
    pub(crate) logs: &'a Logs,
}

/// Names what is wrong, the surest first and each cause once.
pub(crate) fn diagnose(scene: &Scene<'_>) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = of_workload(scene).into_iter().collect();
    found.extend(creation::diagnose(scene));
    for pod in &scene.pods {
        found.extend(of_pod(scene, pod));
    }
    found.sort_by_key(|diagnosis| match diagnosis.grade {
        Grade::Certain => (0, Duration::ZERO),
        Grade::Probable { grace } => (1, grace),
        Grade::Transient => (2, Duration::ZERO),
    });
    let mut seen = Vec::new();
    found.retain(|diagnosis| {
        let is_new = !seen.contains(&diagnosis.cause);
        seen.push(diagnosis.cause);
        is_new
    });
    found
}

fn of_workload(scene: &Scene<'_>) -> Option<Diagnosis> {
    let workload = scene.workload;
    let on_workload = |cause, summary: String, hint: &str| Diagnosis {
        cause,
        workload: workload.id(),
        place: workload.id().to_string(),
        summary,
        grade: Grade::Certain,
        evidence: Vec::new(),
        hint: Some(hint.into()),
    };
    if let (Some(ours), Some(live)) = (scene.commit, workload.annotation(COMMIT))
        && ours != live
    {
        let summary =
            format!("commit {} was deployed over this one", live.get(..7).unwrap_or(live));
        return Some(on_workload(
            Cause::Superseded,
            summary,
            "two pipelines deploy the same application",
        ));
    }
    if workload.at("/spec/paused") == Some(&Value::Bool(true)) {
        let summary = "the deployment is paused, so nothing is rolled out".into();
        let hint = format!("`kubectl rollout resume {}`", workload.id());
        return Some(on_workload(Cause::Paused, summary, &hint));
    }
    None
}

fn of_pod(scene: &Scene<'_>, pod: &Object) -> Vec<Diagnosis> {
    let is_ready = pod.condition("Ready").is_some_and(|condition| condition["status"] == "True");
    if is_ready || pod.at("/metadata/deletionTimestamp").is_some() {
        return Vec::new();
    }
    let mut found: Vec<Diagnosis> = scheduling::diagnose(scene, pod).into_iter().collect();
    for (list, role) in [
        ("/status/initContainerStatuses", container::Role::Init),
        ("/status/containerStatuses", container::Role::Main),
    ] {
        for status in pod.list(list) {
            let subject = Subject { scene, pod, status, role };
            found.extend(
                image::diagnose(&subject)
                    .or_else(|| container::diagnose(&subject))
                    .or_else(|| probe::diagnose(&subject)),
            );
        }
    }
    found
}

/// One container of one pod.
struct Subject<'a> {
    scene: &'a Scene<'a>,
    pod: &'a Object,
    status: &'a Value,
    role: container::Role,
}

impl Subject<'_> {
    fn name(&self) -> &str {
        self.status["name"].as_str().unwrap_or_default()
    }

    fn restarts(&self) -> u64 {
        self.status["restartCount"].as_u64().unwrap_or(0)
    }

    /// Returns the reason and the message of a container that waits.
    fn waiting(&self) -> Option<(&str, &str)> {
        let waiting = self.status.pointer("/state/waiting")?;
        Some((waiting["reason"].as_str()?, waiting["message"].as_str().unwrap_or_default()))
    }

    /// Returns the container's specification.
    fn spec(&self) -> Option<&Value> {
        let list = match self.role {
            container::Role::Init => "/spec/initContainers",
            container::Role::Main => "/spec/containers",
        };
        self.pod.list(list).iter().find(|spec| spec["name"] == self.name())
    }

    fn log(&self) -> &[String] {
        let key = (self.pod.uid().to_owned(), self.name().to_owned());
        self.scene.logs.get(&key).map_or(&[], Vec::as_slice)
    }

    fn diagnosis(&self, cause: Cause, grade: Grade, summary: impl Into<String>) -> Diagnosis {
        let init = if self.role == container::Role::Init { "init " } else { "" };
        Diagnosis {
            cause,
            workload: self.scene.workload.id(),
            place: format!("pod/{} {init}container {}", self.pod.name(), self.name()),
            summary: summary.into(),
            grade,
            evidence: Vec::new(),
            hint: None,
        }
    }
}

impl Diagnosis {
    fn with_evidence(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.evidence
            .extend(lines.into_iter().map(Into::into).filter(|line: &String| !line.is_empty()));
        self
    }

    fn with_hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into().or(self.hint);
        self
    }
}

/// Returns `once`, `twice`, or how many times.
fn times(count: u64) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        count => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests;
