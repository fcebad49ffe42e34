//! The questions to the server: what is there, and what applying would make of it.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use serde_json::json;

use super::Difference;
use crate::{
    Cluster, Manifest, Object, Release, RequestError, Silent,
    apply::{Conflict, Conflicts, Error, Resources, addressed, contains, rehearse},
    deploy::Leftovers,
    inventory::{self, Removal},
    manifest::Resource,
    record::History,
};

/// How many objects are asked about at once.
const AT_ONCE: usize = 8;

/// Returns what deploying `release` would change of each of its objects, in apply order, and then what it would remove.
///
/// The server itself says what would become of an object: it is applied as a dry run. An object in a namespace that is not there yet,
/// or of a kind that this release brings, is shown as the manifest describes it.
///
/// # Errors
///
/// Fails when the server refuses an object, as the deploy would. A conflict is no error here: it is part of the answer.
pub async fn diff(
    cluster: &Cluster,
    release: &Release,
    leftovers: Leftovers,
) -> Result<Vec<Difference>, Error> {
    let resources = Resources::resolve(cluster, &release.manifests).await?;
    let answers: Vec<_> = stream::iter(&release.manifests)
        .map(|manifest| {
            let (manifest, resource) = addressed(release, manifest, &resources);
            async move { of_one(cluster, release, &manifest, &resource).await }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut found = Vec::new();
    let mut missing = BTreeSet::new();
    for answer in answers {
        let (difference, namespace) = answer?;
        found.push(difference);
        missing.extend(namespace);
    }
    let described = |name: &String| {
        found.iter().any(|difference: &Difference| {
            difference.id.kind == "Namespace" && difference.id.name == *name
        })
    };
    missing.retain(|name| !described(name));
    let made = missing.iter().map(|name| {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        Difference::between(None, &Object::new(namespace))
    });
    let removed = match leftovers {
        Leftovers::Remove => removals(cluster, release).await?,
        Leftovers::Keep => Vec::new(),
    };
    Ok(made.chain(found).chain(removed).collect())
}

/// Looks for what earlier releases have made and this one does not have, which a deploy removes.
async fn removals(cluster: &Cluster, release: &Release) -> Result<Vec<Difference>, RequestError> {
    let history = match History::read(cluster, &release.namespace, &release.app).await {
        // An account that may not read the records removes nothing.
        Err(error) if error.status() == Some(403) => return Ok(Vec::new()),
        history => history?,
    };
    // What a deploy left that was killed is told by its lock, which is not looked at here.
    let before = inventory::before(&history, &[]);
    // Such a release removes nothing, as in a deploy.
    if inventory::is_foreign(&before, release) {
        return Ok(Vec::new());
    }
    let mut removal = Removal::new(cluster, &release.namespace, &release.app, &Silent);
    let mut found = Vec::new();
    for made in inventory::unwanted(before, release) {
        found.extend(removal.doomed(&made).await?.as_ref().map(Difference::removal));
    }
    Ok(found)
}

/// Asks about one object. Returns the namespace too, where that is not there.
async fn of_one(
    cluster: &Cluster,
    release: &Release,
    manifest: &Manifest,
    resource: &Resource,
) -> Result<(Difference, Option<String>), Error> {
    let object = &manifest.object;
    let live = match cluster.read(resource, object.namespace(), object.name()).await {
        // As in a deploy: many CI accounts may not read namespaces, and those that are there are left as they are.
        Err(error) if object.kind() == "Namespace" && error.status() == Some(403) => {
            return Ok((unchanged(object), None));
        }
        live => live?,
    };
    if let Some(live) = &live
        && object.kind() == "Namespace"
        && contains(live.as_value(), object.as_value())
    {
        return Ok((unchanged(object), None));
    }
    match ask(cluster, release, manifest, resource).await? {
        Answer::Becomes(after, conflicts) => {
            // Of what is new, all that nobody has written are the server's defaults.
            let after = if live.is_some() { &after } else { object };
            let difference = Difference::between(live.as_ref(), after);
            Ok((Difference { conflicts, ..difference }, None))
        }
        Answer::NoNamespace(name) => Ok((Difference::between(None, object), Some(name))),
        Answer::NoKind => Ok((Difference::between(None, object), None)),
    }
}

/// What the server said to a dry run.
enum Answer {
    /// The object, and who else owns fields that would be set to other values.
    Becomes(Object, Vec<Conflict>),
    /// The namespace is not there, which a deploy would make.
    NoNamespace(String),
    /// The kind is not there, which this release brings.
    NoKind,
}

async fn ask(
    cluster: &Cluster,
    release: &Release,
    manifest: &Manifest,
    resource: &Resource,
) -> Result<Answer, Error> {
    let object = &manifest.object;
    let refusal = match rehearse(cluster, object, resource, Conflicts::Fail).await {
        Ok(after) => return Ok(Answer::Becomes(after, Vec::new())),
        Err(refusal) => refusal,
    };
    if let Some(namespace) = missing_namespace(&refusal) {
        return Ok(Answer::NoNamespace(namespace));
    }
    if refusal.status() == Some(404) && is_defined(release, object) {
        return Ok(Answer::NoKind);
    }
    match Error::of(manifest, refusal) {
        Error::Conflict { conflicts, .. } => {
            let forced = rehearse(cluster, object, resource, Conflicts::Force).await;
            let after = forced.map_err(|error| Error::of(manifest, error))?;
            Ok(Answer::Becomes(after, conflicts))
        }
        error => Err(error),
    }
}

fn missing_namespace(refusal: &RequestError) -> Option<String> {
    let RequestError::Refused { status, .. } = refusal else { return None };
    let details = status.details.as_ref().filter(|details| details.kind == "namespaces")?;
    (status.code == 404).then(|| details.name.clone())
}

/// Tells whether the release itself defines the kind of `object`.
fn is_defined(release: &Release, object: &Object) -> bool {
    release.objects().any(|other| {
        other.kind() == "CustomResourceDefinition"
            && other.text("/spec/group") == Some(object.group())
            && other.text("/spec/names/kind") == Some(object.kind())
    })
}

fn unchanged(object: &Object) -> Difference {
    Difference::between(Some(object), object)
}
