//! The Jobs of an application's migrations in the cluster.

use std::time::Duration;

use kube::{
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::{conditions, wait::await_condition},
};
use serde_json::json;
use tokio::time::timeout;

use super::{
    Error,
    job::{APP, LABEL},
};
use crate::{
    Cluster, FIELD_MANAGER, Object, RequestError, Verdict,
    cluster::untyped,
    judge,
    manifest::{self, Resource},
    record::KEPT,
    release::COMMIT,
};

/// How long a Job that failed before may take to go.
const DELETED: Duration = Duration::from_secs(30);

/// How a Job stands, as far as another run is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It has done its work for this commit.
    Done,
    /// It is at it.
    Running,
    /// It did not, and is in the way of one that will.
    InTheWay,
}

impl Stand {
    /// Returns how `live` stands for the Job that is `wanted`.
    pub(super) fn of(live: &Object, wanted: &Object) -> Self {
        let is_suspended = live.at("/spec/suspend") == Some(&serde_json::Value::Bool(true));
        let is_leaving = live.at("/metadata/deletionTimestamp").is_some();
        let is_ours = live.annotation(COMMIT) == wanted.annotation(COMMIT);
        match judge(live) {
            _ if is_suspended || is_leaving || !is_ours => Self::InTheWay,
            Verdict::Complete { .. } => Self::Done,
            Verdict::Progressing { .. } => Self::Running,
            Verdict::Failed { .. } => Self::InTheWay,
        }
    }
}

/// The Jobs of a namespace.
pub(super) struct Jobs<'a> {
    cluster: &'a Cluster,
    pub(super) resource: Resource,
    namespace: &'a str,
}

impl<'a> Jobs<'a> {
    pub(super) fn beside(cluster: &'a Cluster, job: &'a Object) -> Self {
        let resource = manifest::resource("batch/v1", "Job").expect("a built-in kind");
        Self { cluster, resource, namespace: job.namespace().unwrap_or_default() }
    }

    fn api(&self) -> kube::Api<DynamicObject> {
        self.cluster.api(&self.resource, Some(self.namespace))
    }

    pub(super) async fn find(&self, job: &Object) -> Result<Option<Object>, RequestError> {
        self.cluster.read(&self.resource, Some(self.namespace), job.name()).await
    }

    /// Creates the Job; one that somebody else created meanwhile is as good.
    pub(super) async fn create(&self, job: &Object) -> Result<Object, RequestError> {
        let attempt = || format!("create {}", job.id());
        let typed = serde_json::from_value(job.as_value().clone());
        let typed: DynamicObject =
            typed.map_err(|error| self.cluster.error(attempt(), kube::Error::SerdeError(error)))?;
        let params =
            PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        match self.api().create(&params, &typed).await {
            Ok(created) => Ok(untyped(&created)),
            Err(error) => {
                let error = self.cluster.error(attempt(), error);
                let is_there = error.status() == Some(409);
                match self.find(job).await {
                    Ok(Some(live)) if is_there => Ok(live),
                    _ => Err(error),
                }
            }
        }
    }

    /// Deletes a Job with its pods, and waits until it has gone.
    pub(super) async fn remove(&self, live: &Object) -> Result<(), Error> {
        self.delete(live).await?;
        let gone = await_condition(self.api(), live.name(), conditions::is_deleted(live.uid()));
        match timeout(DELETED, gone).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::NotDeleted { job: live.id() }),
        }
    }

    async fn delete(&self, live: &Object) -> Result<(), RequestError> {
        let preconditions = Preconditions { uid: Some(live.uid().into()), resource_version: None };
        let params = DeleteParams::background().preconditions(preconditions);
        match self.api().delete(live.name(), &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(self.cluster.error(format!("delete {}", live.id()), error)),
        }
    }

    /// Ends the pods of a Job and keeps the Job.
    pub(super) async fn suspend(&self, live: &Object) -> Result<(), RequestError> {
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"spec": {"suspend": true}}));
        self.api()
            .patch(live.name(), &params, &patch)
            .await
            .map(drop)
            .map_err(|error| self.cluster.error(format!("suspend {}", live.id()), error))
    }

    /// Deletes the Jobs of an application beyond the newest [`KEPT`].
    pub(super) async fn prune(&self, app: &str) -> Result<(), RequestError> {
        let params = ListParams::default().labels(&format!("{APP}={app},{LABEL}"));
        let listed = self.api().list(&params).await;
        let listed = listed.map_err(|error| {
            self.cluster.error(format!("list the migrations of `{app}`"), error)
        })?;
        let mut jobs: Vec<Object> = listed.items.iter().map(untyped).collect();
        jobs.sort_by_key(|job| {
            std::cmp::Reverse(job.text("/metadata/creationTimestamp").map(ToOwned::to_owned))
        });
        for old in jobs.iter().skip(KEPT) {
            self.delete(old).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_what_ended_well_for_this_commit_is_done() {
        let job = |commit: &str, spec: Value, status: Value| {
            let metadata = json!({"name": "j", "annotations": {COMMIT: commit}});
            Object::new(json!({
                "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status,
            }))
        };
        let wanted = job("a", json!({}), json!({}));
        let ended = |kind: &str| json!({"conditions": [{"type": kind, "status": "True"}]});
        for (live, stand) in [
            (job("a", json!({}), ended("Complete")), Stand::Done),
            (job("b", json!({}), ended("Complete")), Stand::InTheWay),
            (job("a", json!({}), json!({"active": 1})), Stand::Running),
            (job("a", json!({}), ended("Failed")), Stand::InTheWay),
            (job("a", json!({"suspend": true}), ended("Suspended")), Stand::InTheWay),
        ] {
            assert_eq!(Stand::of(&live, &wanted), stand, "{}", live.as_value());
        }
    }
}
