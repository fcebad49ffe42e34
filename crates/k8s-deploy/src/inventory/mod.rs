//! What an application's releases have made in the cluster, and what of it goes once a release no longer has it.
//!
//! The inventory is carried from record to record. An object that was there before a release applied it is not in it, and
//! is never removed.

mod removal;

pub(crate) use self::removal::Removal;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Object, ObjectId, Release,
    apply::{Applied, Change},
    record::{History, Record, State},
};

/// An object that a release has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Which object.
    pub id: ObjectId,
    /// The version of its kind, to address it.
    pub api_version: String,
    /// How it is told from one that somebody else has made under its name.
    pub proof: Proof,
}

/// How it is known that an object was made by a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It has the uid that it was given.
    Uid(String),
    /// It was not there before a deploy began that was killed and wanted it; the server's clock.
    NotBefore(Timestamp),
}

impl Made {
    /// Tells whether `live` is the object that was made.
    fn is(&self, live: &Object) -> bool {
        match &self.proof {
            Proof::Uid(uid) => live.uid() == uid,
            Proof::NotBefore(moment) => live
                .text("/metadata/creationTimestamp")
                .and_then(|text| text.parse::<Timestamp>().ok())
                .is_some_and(|made| made >= *moment),
        }
    }
}

/// What the releases before have made and what is still there, as far as is known; `inherited` is from deploys that were killed.
pub(crate) fn before(history: &History, inherited: &[Made]) -> Vec<Made> {
    // What was killed has written nothing down.
    let ended = history.records().iter().find(|record| record.state != State::Deploying);
    let mut made = ended.map(|record| record.made.clone()).unwrap_or_default();
    made.extend(unknown(inherited.iter().cloned(), &made));
    made
}

/// What a deploy that was killed may have made since it had `begun`; what it has, only the objects themselves tell.
pub(crate) fn inherit(killed: &Record, begun: Option<Timestamp>) -> Vec<Made> {
    let mut made = killed.made.clone();
    let Some(begun) = begun else { return made };
    let wanted =
        killed.objects.iter().filter(|object| is_listed(&object.id())).map(|object| Made {
            id: object.id(),
            api_version: object.api_version().into(),
            proof: Proof::NotBefore(begun),
        });
    made.extend(unknown(wanted, &made));
    made
}

fn unknown(more: impl Iterator<Item = Made>, known: &[Made]) -> Vec<Made> {
    more.filter(|made| !known.iter().any(|known| known.id == made.id)).collect()
}

/// Returns the inventory after a release was applied: what was made anew, and of what is known what has not been replaced.
pub(crate) fn after(before: &[Made], applied: &[Applied]) -> Vec<Made> {
    let touched = |made: &&Made| applied.iter().any(|applied| applied.id == made.id);
    let untouched = before.iter().filter(|made| !touched(made)).cloned();
    let is_ours = |applied: &&Applied| {
        let known = before.iter().any(|made| made.id == applied.id && made.is(&applied.live));
        applied.change == Change::Created || known
    };
    let ours =
        applied.iter().filter(|applied| is_listed(&applied.id)).filter(is_ours).map(|applied| {
            Made {
                id: applied.id.clone(),
                api_version: applied.live.api_version().into(),
                proof: Proof::Uid(applied.live.uid().into()),
            }
        });
    untouched.chain(ours).collect()
}

/// A namespace never goes, whoever made it, so that it need not be remembered.
fn is_listed(id: &ObjectId) -> bool {
    id.kind != "Namespace"
}

/// What is in the inventory and not in a release, by the moment at which it can go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Made by a release that failed, and may keep the next from being applied: a quota, a webhook.
    pub(crate) obstacles: Vec<Made>,
    /// Made by a release that failed.
    pub(crate) failed: Vec<Made>,
    /// Part of the release that stood last, and needed until the next stands.
    pub(crate) former: Vec<Made>,
}

/// Sorts what `release` no longer has; `stood` is the release that stood last.
pub(crate) fn leftovers(made: &[Made], release: &Release, stood: Option<&Record>) -> Leftovers {
    let mut leftovers = Leftovers::default();
    for made in made.iter().filter(|made| !wants(release, &made.id)) {
        let was_needed = stood.is_some_and(|record| has(&record.objects, record, &made.id));
        let list = match () {
            () if was_needed => &mut leftovers.former,
            () if is_obstacle(&made.id) => &mut leftovers.obstacles,
            () => &mut leftovers.failed,
        };
        list.push(made.clone());
    }
    leftovers
}

/// Tells whether `release` has nothing of what was made before: then it is not the next release of the same application, but another
/// application under its name, as of two pipelines that deploy parts of the same image.
pub(crate) fn is_foreign(made: &[Made], release: &Release) -> bool {
    !made.is_empty() && !made.iter().any(|made| wants(release, &made.id))
}

/// Returns all of the inventory that `release` no longer has.
pub(crate) fn unwanted(made: Vec<Made>, release: &Release) -> Vec<Made> {
    made.into_iter().filter(|made| !wants(release, &made.id)).collect()
}

fn wants(release: &Release, id: &ObjectId) -> bool {
    let namespace = &release.namespace;
    release.objects().any(|object| is_named(object, namespace, id))
}

fn has(objects: &[Object], record: &Record, id: &ObjectId) -> bool {
    objects.iter().any(|object| is_named(object, &record.namespace, id))
}

/// Tells whether `object` of a release in `namespace` is the one called `id`. Custom kinds get their namespace only when they
/// are sent.
pub(crate) fn is_named(object: &Object, namespace: &str, id: &ObjectId) -> bool {
    let own = object.id();
    let is_same_place = own.namespace == id.namespace
        || own.namespace.is_none() && id.namespace.as_deref() == Some(namespace);
    is_same_place
        && (own.group, own.kind, own.name) == (id.group.clone(), id.kind.clone(), id.name.clone())
}

/// Kinds that decide about other objects.
fn is_obstacle(id: &ObjectId) -> bool {
    matches!(
        id.kind.as_str(),
        "ResourceQuota"
            | "LimitRange"
            | "NetworkPolicy"
            | "HorizontalPodAutoscaler"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
    )
}

#[cfg(test)]
mod tests;
