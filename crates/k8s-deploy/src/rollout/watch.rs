//! The watches of a rollout: one per kind and namespace.

use std::{collections::BTreeSet, fmt};

use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use kube::{
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};

use crate::{
    Cluster, ObjectId,
    apply::Applied,
    manifest::{self, Resource},
};

/// What a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The objects that are followed.
    Objects,
    ReplicaSets,
    Pods,
    Events,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Objects => "objects",
            Self::ReplicaSets => "replica sets",
            Self::Pods => "pods",
            Self::Events => "events",
        })
    }
}

/// What a watch brings.
pub(super) enum Update {
    /// An object is there, has changed or has gone.
    Event(Source, Box<Event<DynamicObject>>),
    /// The watch was cut; it resumes by itself.
    Lost,
    /// The watch is not allowed; it has ended.
    Refused(Source, kube::Error),
}

type Updates = SelectAll<BoxStream<'static, Update>>;

/// Opens the watches for the objects that are pending.
pub(super) fn all<'a>(
    cluster: &Cluster,
    applied: &[Applied],
    pending: impl Iterator<Item = &'a ObjectId>,
) -> Updates {
    let pending: BTreeSet<&ObjectId> = pending.collect();
    let built_in =
        |api_version, kind| manifest::resource(api_version, kind).expect("a built-in kind");
    let mut wanted: Vec<(Source, Resource, Option<String>)> = Vec::new();
    let mut want = |source, resource: &Resource, namespace: Option<&String>| {
        let entry = (source, resource.clone(), namespace.cloned());
        if !wanted.contains(&entry) {
            wanted.push(entry);
        }
    };
    for Applied { id, resource, .. } in
        applied.iter().filter(|applied| pending.contains(&applied.id))
    {
        let namespace = id.namespace.as_ref();
        want(Source::Objects, resource, namespace);
        if crate::pin::pod_spec_path(&applied_object(applied, id)).is_some() {
            want(Source::Pods, &built_in("v1", "Pod"), namespace);
            want(Source::Events, &built_in("v1", "Event"), namespace);
        }
        if id.kind == "Deployment" {
            want(Source::ReplicaSets, &built_in("apps/v1", "ReplicaSet"), namespace);
        }
    }
    stream::select_all(wanted.into_iter().map(|(source, resource, namespace)| {
        watch(cluster, source, &resource, namespace.as_deref()).boxed()
    }))
}

fn applied_object(applied: &[Applied], id: &ObjectId) -> crate::Object {
    let found = applied.iter().find(|applied| applied.id == *id);
    found.map(|applied| applied.live.clone()).expect("the id was taken from this list")
}

/// Watches a kind in a namespace. The first list comes as a stream where the server can do that.
fn watch(
    cluster: &Cluster,
    source: Source,
    resource: &Resource,
    namespace: Option<&str>,
) -> impl Stream<Item = Update> + use<> {
    let api = cluster.api(resource, namespace);
    let config = watcher::Config::default();
    let streamed = watcher(api.clone(), config.clone().streaming_lists()).default_backoff();
    let listed = watcher(api, config).default_backoff();
    let updates = streamed
        .take_while(|item| std::future::ready(!is_unsupported(item)))
        .chain(listed)
        .map(move |item| update(source, item));
    // A refusal is told once and ends the watch.
    updates.scan(false, |has_ended, update| {
        let next = (!*has_ended).then_some(update);
        *has_ended = matches!(next, Some(Update::Refused(..)));
        std::future::ready(next)
    })
}

type Item = Result<Event<DynamicObject>, watcher::Error>;

/// Tells whether the server does not know `sendInitialEvents` (before 1.27, or with the feature switched off).
fn is_unsupported(item: &Item) -> bool {
    matches!(
        item,
        Err(watcher::Error::WatchStartFailed(kube::Error::Api(status)))
            if matches!(status.code, 400 | 422) && status.message.contains("sendInitialEvents")
    )
}

fn update(source: Source, item: Item) -> Update {
    match item {
        Ok(event) => Update::Event(source, Box::new(event)),
        Err(watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error))
            if matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403)) =>
        {
            Update::Refused(source, error)
        }
        // A watch whose version is too old starts again with a list; that is how it is meant to go.
        Err(_) => Update::Lost,
    }
}
