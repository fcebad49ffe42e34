//! Deletes what a release no longer has, an object at a time and each with a line.

use kube::api::{DeleteParams, Preconditions, PropagationPolicy};

use super::{Made, is_named};
use crate::{
    Cluster, Object, ObjectId, Reporter, RequestError,
    apply::discover,
    manifest::{self, Resource},
    record::{Others, Record},
    release,
};

/// The annotation that keeps an object: `notes-deploy/prune: never`.
pub(crate) const PRUNE: &str = "notes-deploy/prune";

/// Removes objects of one application.
pub(crate) struct Removal<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    app: &'a str,
    reporter: &'a dyn Reporter,
    /// The records of the other applications of the namespace, once they were needed.
    others: Option<Vec<Record>>,
}

/// What became of an object.
enum Fate {
    Removed,
    Gone,
    /// It stays, for this reason, and is none of ours any more.
    Kept(String),
}

impl<'a> Removal<'a> {
    pub(crate) fn new(
        cluster: &'a Cluster,
        namespace: &'a str,
        app: &'a str,
        reporter: &'a dyn Reporter,
    ) -> Self {
        Self { cluster, namespace, app, reporter, others: None }
    }

    /// Removes `objects`, workloads before what they use, and drops from `inventory` what is ours no longer. What cannot be removed
    /// is reported and stays in the inventory, so that the next deploy tries again.
    pub(crate) async fn remove(
        &mut self,
        mut objects: Vec<Made>,
        reason: &str,
        inventory: &mut Vec<Made>,
    ) {
        objects.sort_by_key(|made| std::cmp::Reverse(release::phase_of(&made.id.kind)));
        for made in objects {
            match self.remove_one(&made).await {
                Ok(fate) => {
                    match fate {
                        Fate::Removed => self.reporter.removed(&made.id, reason),
                        Fate::Kept(reason) => self.reporter.kept(&made.id, &reason),
                        Fate::Gone => {}
                    }
                    inventory.retain(|known| known.id != made.id);
                }
                Err(error) => {
                    self.reporter.warned(&format!("{error}; {} is left where it is", made.id));
                }
            }
        }
    }

    /// Returns an object as it is, where it would be removed.
    pub(crate) async fn doomed(&mut self, made: &Made) -> Result<Option<Object>, RequestError> {
        Ok(self.look_at(made).await?.ok().map(|(_, live)| live))
    }

    async fn remove_one(&mut self, made: &Made) -> Result<Fate, RequestError> {
        let (resource, live) = match self.look_at(made).await? {
            Ok(found) => found,
            Err(fate) => return Ok(fate),
        };
        let uid = live.uid().to_owned();
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
            ..DeleteParams::default()
        };
        let api = self.cluster.api(&resource, made.id.namespace.as_deref());
        match api.delete(&made.id.name, &params).await {
            Ok(_) => Ok(Fate::Removed),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Fate::Gone),
            Err(error) => Err(self.cluster.error(format!("delete {}", made.id), error)),
        }
    }

    /// Returns an object and how it is addressed, or why it is not there to be removed.
    async fn look_at(
        &mut self,
        made: &Made,
    ) -> Result<Result<(Resource, Object), Fate>, RequestError> {
        if let Some(reason) = never(&made.id) {
            return Ok(Err(Fate::Kept(reason.into())));
        }
        let Some(resource) = self.resource(made).await? else { return Ok(Err(Fate::Gone)) };
        let namespace = made.id.namespace.as_deref();
        let Some(live) = self.cluster.read(&resource, namespace, &made.id.name).await? else {
            return Ok(Err(Fate::Gone));
        };
        if let Some(reason) = self.reason_to_keep(made, &live).await? {
            return Ok(Err(Fate::Kept(reason)));
        }
        Ok(Ok((resource, live)))
    }

    async fn reason_to_keep(
        &mut self,
        made: &Made,
        live: &Object,
    ) -> Result<Option<String>, RequestError> {
        if !made.is(live) {
            return Ok(Some("somebody else has made it".into()));
        }
        if live.annotation(PRUNE) == Some("never") {
            return Ok(Some(format!("its annotation `{PRUNE}` says so")));
        }
        if live.at("/metadata/deletionTimestamp").is_some() {
            return Ok(Some("it is being deleted already".into()));
        }
        let owner = self.others().await?.iter().find(|record| {
            record.objects.iter().any(|object| is_named(object, &record.namespace, &made.id))
        });
        Ok(owner.map(|record| format!("it belongs to `{}` now", record.app)))
    }

    async fn others(&mut self) -> Result<&[Record], RequestError> {
        if self.others.is_none() {
            self.others = Some(Others::read(self.cluster, self.namespace, self.app).await?);
        }
        Ok(self.others.as_deref().unwrap_or_default())
    }

    /// Returns how the object is addressed; nothing where the cluster has no such kind any more.
    async fn resource(&self, made: &Made) -> Result<Option<Resource>, RequestError> {
        if let Some(resource) = manifest::resource(&made.api_version, &made.id.kind) {
            return Ok(Some(resource));
        }
        let served = discover(self.cluster, &made.api_version).await?;
        Ok(served.into_iter().find(|resource| resource.kind == made.id.kind))
    }
}

/// Returns why objects of a kind are never removed.
fn never(id: &ObjectId) -> Option<&'static str> {
    match id.kind.as_str() {
        "PersistentVolumeClaim" | "PersistentVolume" => Some("data is never deleted"),
        "CustomResourceDefinition" => Some("a kind is never deleted: all its objects would go"),
        _ => None,
    }
}
