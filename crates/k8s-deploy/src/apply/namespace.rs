//! Namespaces are read first, and made only where they are missing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Applied, Change, Error, Namespaces, Options, Resources, patch};
use crate::{
    Cluster, Manifest, Object, Origin, Release, Reporter,
    manifest::{self, Scope},
};

/// Returns the namespaces that the release's objects live in or that it describes.
pub(super) fn names(release: &Release, resources: &Resources) -> BTreeSet<String> {
    let mut names: BTreeSet<_> = release
        .objects()
        .filter_map(|object| match object.kind() {
            "Namespace" => Some(object.name().to_owned()),
            _ => object.namespace().map(Into::into),
        })
        .collect();
    let has_defaulted = release.objects().any(|object| {
        object.namespace().is_none()
            && resources.of(object).is_some_and(|r| r.scope == Scope::Namespaced)
    });
    if has_defaulted {
        names.insert(release.namespace.clone());
    }
    names
}

/// Tells whether a namespace is there, or may be: many CI accounts may not read namespaces.
pub(super) async fn may_be_there(cluster: &Cluster, name: &str) -> Result<bool, Error> {
    let resource = manifest::resource("v1", "Namespace").expect("a built-in kind");
    match cluster.read(&resource, None, name).await {
        Ok(live) => Ok(live.is_some()),
        Err(error) if error.status() == Some(403) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that a namespace is there. Returns it when it is one of the release's objects or was made.
pub(super) async fn ensure(
    cluster: &Cluster,
    name: &str,
    manifest: Option<&Manifest>,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Option<Applied>, Error> {
    let resource = manifest::resource("v1", "Namespace").expect("a built-in kind");
    let live = match cluster.read(&resource, None, name).await {
        Ok(live) => live,
        // Many CI accounts may not read namespaces. Whether it is there, the first object will tell.
        Err(error) if error.status() == Some(403) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let Some(live) = &live
        && live.text("/status/phase") == Some("Terminating")
    {
        return Err(Error::Terminating { name: name.into(), finalizers: finalizers(live) });
    }
    if live.is_none() && options.namespaces == Namespaces::Require {
        return Err(Error::NoNamespace { name: name.into() });
    }
    let wanted = manifest.cloned().unwrap_or_else(|| minimal(name));
    let applied = match live {
        Some(live) if contains(live.as_value(), wanted.object.as_value()) => {
            Applied { id: wanted.object.id(), change: Change::Unchanged, live, resource }
        }
        _ => patch(cluster, &wanted, resource, options).await?,
    };
    // One that nobody described and that was there is not part of the release.
    let is_ours = manifest.is_some() || applied.change == Change::Created;
    if is_ours {
        reporter.applied(&applied.id, applied.change);
    }
    Ok(is_ours.then_some(applied))
}

/// Gives up what a release had set on a namespace that it found.
pub(crate) async fn let_go(
    cluster: &Cluster,
    name: &str,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let resource = manifest::resource("v1", "Namespace").expect("a built-in kind");
    // Fields that an applied object does not have any more are removed, unless others have them too.
    let applied = patch(cluster, &minimal(name), resource, options).await?;
    reporter.applied(&applied.id, applied.change);
    Ok(())
}

fn minimal(name: &str) -> Manifest {
    let object =
        Object::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    Manifest { object, origin: Origin { file: "the target namespace".into(), line: 1 } }
}

fn finalizers(live: &Object) -> Vec<String> {
    let conditions = live.list("/status/conditions").iter();
    conditions
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["message"].as_str())
        .filter(|message| message.contains("remain"))
        .map(Into::into)
        .collect()
}

/// Tells whether `live` has everything that `wanted` says.
pub(crate) fn contains(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            let is_nothing =
                wanted.is_null() || wanted.as_object().is_some_and(serde_json::Map::is_empty);
            live.get(key).map_or(is_nothing, |live| contains(live, wanted))
        }),
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_seen() {
        let live = json!({"metadata": {"name": "a", "uid": "u", "labels": {"x": "1", "y": "2"}}});
        assert!(contains(
            &live,
            &json!({"metadata": {"name": "a", "annotations": {}}, "spec": {}})
        ));
        assert!(contains(&live, &json!({"metadata": {"labels": {"x": "1"}}})));
        assert!(!contains(&live, &json!({"metadata": {"labels": {"x": "2"}}})));
        assert!(!contains(&live, &json!({"metadata": {"labels": {"z": "1"}}})));
    }
}
