//! What the watches have told so far.

use std::collections::{BTreeMap, HashMap};

use kube::{api::DynamicObject, runtime::watcher::Event};
use serde_json::Value;

use super::{Former, unblock::is_stuck, watch::Source};
use crate::{
    Object, ObjectId,
    apply::{Applied, Change},
    cluster::untyped,
    diagnosis::{Events, Logs, Scene},
    release::COMMIT,
};

/// The objects that are followed, and what belongs to them.
pub(super) struct View {
    targets: BTreeMap<ObjectId, Target>,
    replica_sets: HashMap<String, Object>,
    pods: HashMap<String, Object>,
    events: Events,
}

struct Target {
    live: Object,
    /// The commit that was applied.
    commit: Option<String>,
    /// The revision that a `StatefulSet` was rolling out when it was changed.
    replaced: Option<String>,
    /// When the release before was found to make no progress; its condition stays for a moment (kubernetes#49637).
    exceeded: Option<String>,
    is_deleted: bool,
}

impl View {
    pub(super) fn new(applied: &[Applied]) -> Self {
        let target = |applied: &Applied| Target {
            live: applied.live.clone(),
            commit: applied.live.annotation(COMMIT).map(Into::into),
            replaced: (applied.change == Change::Configured)
                .then(|| applied.live.text("/status/updateRevision").map(Into::into))
                .flatten(),
            exceeded: (applied.change == Change::Configured)
                .then(|| exceeded(&applied.live))
                .flatten(),
            is_deleted: false,
        };
        Self {
            targets: applied.iter().map(|applied| (applied.id.clone(), target(applied))).collect(),
            replica_sets: HashMap::new(),
            pods: HashMap::new(),
            events: Events::default(),
        }
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.targets.iter().map(|(id, target)| (id, &target.live))
    }

    pub(super) fn is_deleted(&self, id: &ObjectId) -> bool {
        self.targets.get(id).is_some_and(|target| target.is_deleted)
    }

    /// Tells whether the condition that no progress is made is that of the release before.
    pub(super) fn has_stale_deadline(&self, id: &ObjectId) -> bool {
        let target = self.targets.get(id);
        target.is_some_and(|target| {
            target.exceeded.is_some() && exceeded(&target.live) == target.exceeded
        })
    }

    /// Takes in one event of a watch.
    pub(super) fn take(&mut self, source: Source, event: Event<DynamicObject>) {
        match event {
            Event::Apply(object) | Event::InitApply(object) => {
                self.insert(source, trimmed(&object));
            }
            Event::Delete(object) => self.remove(source, &trimmed(&object)),
            // A list begins again after a cut: what it does not bring has gone meanwhile.
            Event::Init => match source {
                Source::ReplicaSets => self.replica_sets.clear(),
                Source::Pods => self.pods.clear(),
                Source::Objects | Source::Events => {}
            },
            Event::InitDone => {}
        }
    }

    fn insert(&mut self, source: Source, object: Object) {
        match source {
            Source::Objects => {
                if let Some(target) = self.targets.get_mut(&object.id())
                    && is_newer(&object, &target.live)
                {
                    target.is_deleted = false;
                    target.live = object;
                }
            }
            Source::ReplicaSets => {
                self.replica_sets.insert(object.uid().into(), object);
            }
            Source::Pods => {
                self.pods.insert(object.uid().into(), object);
            }
            Source::Events => self.events.insert(object),
        }
    }

    fn remove(&mut self, source: Source, object: &Object) {
        match source {
            Source::Objects => {
                if let Some(target) = self.targets.get_mut(&object.id()) {
                    target.is_deleted = true;
                }
            }
            Source::ReplicaSets => drop(self.replica_sets.remove(object.uid())),
            Source::Pods => drop(self.pods.remove(object.uid())),
            // Events expire; what they said stays true.
            Source::Events => {}
        }
    }

    /// Returns what is known about one object, for its diagnosis.
    pub(super) fn scene<'a>(&'a self, id: &ObjectId, logs: &'a Logs) -> Option<Scene<'a>> {
        let target = self.targets.get(id)?;
        let workload = &target.live;
        let replica_set = self.new_replica_set(workload);
        let mut pods: Vec<&Object> = self
            .pods
            .values()
            .filter(|pod| is_of_new_revision(pod, workload, replica_set))
            .collect();
        pods.sort_by_key(|pod| pod.name());
        let commit = target.commit.as_deref();
        Some(Scene { workload, commit, replica_set, pods, events: &self.events, logs })
    }

    /// Returns pods of the new revisions that are not ready, at most two of each workload: the others tell the same.
    pub(super) fn unready_pods(&self) -> Vec<&Object> {
        let mut found: BTreeMap<&String, &Object> = BTreeMap::new();
        for id in self.targets.keys() {
            let logs = Logs::new();
            let Some(scene) = self.scene(id, &logs) else { continue };
            let is_unready =
                |pod: &&&Object| pod.condition("Ready").is_none_or(|c| c["status"] != "True");
            for pod in scene.pods.iter().filter(is_unready).take(2) {
                found.extend(self.pods.get_key_value(pod.uid()));
            }
        }
        found.into_values().collect()
    }

    /// Returns the pods of failed revisions that the followed `StatefulSets` wait for.
    pub(super) fn stuck_pods(&self, former: Former) -> Vec<Object> {
        if former == Former::Stands {
            return Vec::new();
        }
        let is_stuck = |pod: &&Object| {
            self.targets.values().any(|target| {
                is_owned_by(pod, &target.live)
                    && is_stuck(pod, &target.live, target.replaced.as_deref(), former)
            })
        };
        self.pods.values().filter(is_stuck).cloned().collect()
    }

    /// Returns the `ReplicaSet` of a Deployment's newest template: the oldest whose template is equal without the hash,
    /// as the controller finds it (deploymentutil.FindNewReplicaSet).
    fn new_replica_set(&self, workload: &Object) -> Option<&Object> {
        if workload.kind() != "Deployment" {
            return None;
        }
        let wanted = workload.at("/spec/template")?;
        self.replica_sets
            .values()
            .filter(|set| is_owned_by(set, workload))
            .filter(|set| {
                set.at("/spec/template").is_some_and(|template| is_same(template, wanted))
            })
            .min_by_key(|set| set.text("/metadata/creationTimestamp"))
    }
}

/// Returns since when the Deployment says that no progress is made.
fn exceeded(object: &Object) -> Option<String> {
    let condition = object.condition("Progressing")?;
    let is_exceeded = condition["reason"] == "ProgressDeadlineExceeded";
    is_exceeded.then(|| condition["lastUpdateTime"].as_str().map(Into::into)).flatten()
}

/// Tells whether `object` is not older than what is known. A watch may begin before the apply that it follows.
fn is_newer(object: &Object, known: &Object) -> bool {
    let generation = |object: &Object| object.integer("/metadata/generation").unwrap_or(0);
    object.uid() != known.uid() || generation(object) >= generation(known)
}

fn is_owned_by(object: &Object, owner: &Object) -> bool {
    object.list("/metadata/ownerReferences").iter().any(|reference| reference["uid"] == owner.uid())
}

fn is_same(template: &Value, wanted: &Value) -> bool {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove("pod-template-hash");
    }
    template == *wanted
}

fn is_of_new_revision(pod: &Object, workload: &Object, replica_set: Option<&Object>) -> bool {
    match workload.kind() {
        "Pod" => pod.uid() == workload.uid(),
        "Deployment" => replica_set.is_some_and(|set| is_owned_by(pod, set)),
        "StatefulSet" => {
            is_owned_by(pod, workload)
                && workload.is_observed() == Some(true)
                && pod.label("controller-revision-hash") == workload.text("/status/updateRevision")
        }
        "DaemonSet" => {
            is_owned_by(pod, workload)
                && pod.label("pod-template-generation")
                    == workload.annotation("deprecated.daemonset.template.generation")
        }
        _ => is_owned_by(pod, workload),
    }
}

/// Drops what is large and says nothing about a rollout.
fn trimmed(object: &DynamicObject) -> Object {
    let mut object = untyped(object);
    if let Some(metadata) = object.as_value_mut().get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.shift_remove("managedFields");
    }
    object
}
