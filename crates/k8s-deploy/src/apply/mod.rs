//! Server-side apply: one PATCH per object, the objects of a phase at once.

mod change;
mod error;
mod namespace;
mod resources;
mod service_account;

pub use self::{
    change::{Change, Mark, Marks},
    error::{Conflict, Error, Reason},
};
pub(crate) use self::{
    namespace::{contains, let_go},
    resources::{Resources, discover},
};

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    api::{DynamicObject, Patch, PatchParams, ValidationDirective},
    core::Request,
};

use crate::{
    Cluster, FIELD_MANAGER, Manifest, Object, ObjectId, Release, Reporter,
    cluster::{Answer, RequestError, api_resource},
    manifest::{Resource, Scope},
    references::Reference,
};

/// How many `PATCHes` are in flight. The server's own limit per client is far above (API priority and fairness).
const IN_FLIGHT: usize = 16;

/// Choices for [`apply`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to do about fields that somebody else owns.
    pub conflicts: Conflicts,
    /// What to do about a namespace that is missing.
    pub namespaces: Namespaces,
    /// What the last release left, to tell a change from none without reading each object first.
    pub marks: Marks,
}

/// What to do about fields that another manager owns and has set to another value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflicts {
    /// Stop and name the owner: it may be a person's emergency edit.
    #[default]
    Fail,
    /// Take the fields over.
    Force,
}

/// What to do about a namespace that is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Make it.
    #[default]
    Create,
    /// Stop: somebody else makes namespaces here.
    Require,
}

/// An object after it was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Which object.
    pub id: ObjectId,
    /// What applying it changed.
    pub change: Change,
    /// The object as it is in the cluster now.
    pub live: Object,
    /// How it is addressed.
    pub(crate) resource: Resource,
}

/// Applies a release, phase by phase, and returns the objects as they are then.
///
/// Every kind is resolved before anything is changed. Namespaces are read first and only made where they are
/// missing: an account that may not touch namespaces can deploy into one that exists.
///
/// # Errors
///
/// Stops after the phase in which an object was refused; what was applied before stays, and applying again continues.
pub async fn apply(
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Vec<Applied>, Error> {
    let mut applied = Vec::with_capacity(release.manifests.len());
    let resources = prepare(cluster, release, options, reporter, &mut applied, None).await?;
    apply_objects(cluster, release, &resources, options, reporter, &mut applied).await?;
    Ok(applied)
}

/// Resolves the kinds and makes sure of the namespaces, but for the one that was `seen` already.
pub(crate) async fn prepare(
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
    applied: &mut Vec<Applied>,
    seen: Option<&str>,
) -> Result<Resources, Error> {
    let resources = Resources::resolve(cluster, &release.manifests).await?;
    for name in namespace::names(release, &resources) {
        let manifest = release.namespace_manifest(&name);
        if manifest.is_none() && seen == Some(name.as_str()) {
            continue;
        }
        applied.extend(namespace::ensure(cluster, &name, manifest, options, reporter).await?);
    }
    Ok(resources)
}

/// Applies everything but the namespaces. `applied` has what was applied also where something else was refused.
pub(crate) async fn apply_objects(
    cluster: &Cluster,
    release: &Release,
    resources: &Resources,
    options: &Options,
    reporter: &dyn Reporter,
    applied: &mut Vec<Applied>,
) -> Result<(), Error> {
    for phase in release.phases() {
        let results =
            stream::iter(phase.iter().filter(|manifest| manifest.object.kind() != "Namespace"))
                .map(|manifest| apply_one(cluster, release, manifest, resources, options))
                .buffered(IN_FLIGHT)
                .inspect_ok(|applied| reporter.applied(&applied.id, applied.change));
        // All of the phase are sent, and the first refusal in manifest order is reported.
        let mut refusal = None;
        for result in results.collect::<Vec<_>>().await {
            match result {
                Ok(done) => applied.push(done),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        if let Some(error) = refusal {
            return Err(error);
        }
        resources.establish(cluster, phase).await?;
    }
    Ok(())
}

/// Makes what is `needed` of a release's objects and is not there, with their namespaces. What is there stays as it is.
pub(crate) async fn make_missing(
    cluster: &Cluster,
    release: &Release,
    needed: &BTreeSet<Reference>,
    options: &Options,
    reporter: &dyn Reporter,
    made: &mut Vec<Applied>,
) -> Result<(), Error> {
    let resources = Resources::resolve(cluster, &release.manifests).await?;
    for name in namespace::names(release, &resources) {
        if !namespace::may_be_there(cluster, &name).await? {
            let manifest = release.namespace_manifest(&name);
            made.extend(namespace::ensure(cluster, &name, manifest, options, reporter).await?);
        }
    }
    for manifest in &release.manifests {
        let object = &manifest.object;
        let is_needed = object.group().is_empty()
            && needed.iter().any(|(kind, name)| object.kind() == *kind && object.name() == name);
        let Some(resource) = resources.of(object).filter(|_| is_needed) else { continue };
        if cluster.read(resource, object.namespace(), object.name()).await?.is_none() {
            let applied = apply_one(cluster, release, manifest, &resources, options).await?;
            reporter.applied(&applied.id, applied.change);
            made.push(applied);
        }
    }
    Ok(())
}

async fn apply_one(
    cluster: &Cluster,
    release: &Release,
    manifest: &Manifest,
    resources: &Resources,
    options: &Options,
) -> Result<Applied, Error> {
    let (sent, resource) = addressed(release, manifest, resources);
    patch(cluster, &sent, resource, options).await
}

/// Returns an object as it is sent, and where to.
pub(crate) fn addressed(
    release: &Release,
    manifest: &Manifest,
    resources: &Resources,
) -> (Manifest, Resource) {
    let resource = resources.of(&manifest.object).expect("every kind was resolved before").clone();
    let mut object = manifest.object.clone();
    if resource.scope == Scope::Namespaced && object.namespace().is_none() {
        // Only custom kinds get here without one: the scope of the others was known when the release was made.
        object.as_value_mut()["metadata"]["namespace"] = release.namespace.as_str().into();
    }
    (Manifest { object, origin: manifest.origin.clone() }, resource)
}

/// Sends one object.
async fn patch(
    cluster: &Cluster,
    manifest: &Manifest,
    resource: Resource,
    options: &Options,
) -> Result<Applied, Error> {
    let object = &manifest.object;
    let mut answer = send(cluster, object, &resource, &params(options.conflicts))
        .await
        .map_err(|error| Error::of(manifest, error))?;
    if let Some(path) = service_account::left(object, &answer.object) {
        answer.object = service_account::clear(cluster, object, &resource, path)
            .await
            .map_err(|error| Error::of(manifest, error))?;
    }
    let id = object.id();
    let change = change::classify(&answer, options.marks.get(&id));
    Ok(Applied { id, change, live: answer.object, resource })
}

fn params(conflicts: Conflicts) -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.into()),
        field_validation: Some(ValidationDirective::Strict),
        force: conflicts == Conflicts::Force,
        ..PatchParams::default()
    }
}

/// Asks the server what applying an object would make of it. Nothing is changed.
pub(crate) async fn rehearse(
    cluster: &Cluster,
    object: &Object,
    resource: &Resource,
    conflicts: Conflicts,
) -> Result<Object, RequestError> {
    let params = PatchParams { dry_run: true, ..params(conflicts) };
    Ok(send(cluster, object, resource, &params).await?.object)
}

async fn send(
    cluster: &Cluster,
    object: &Object,
    resource: &Resource,
    params: &PatchParams,
) -> Result<Answer, RequestError> {
    use kube::Resource as _;
    let attempt = || format!("apply {}", object.id());
    let url = DynamicObject::url_path(&api_resource(resource), object.namespace());
    // The client's own `patch` hides the status, which alone tells a new object from a changed one.
    let request = Request::new(url)
        .patch(object.name(), params, &Patch::Apply(object))
        .map_err(|error| cluster.error(attempt(), kube::Error::BuildRequest(error)))?;
    cluster.send(request, &attempt()).await
}
