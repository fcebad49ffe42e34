//! A lock as it is found, or not.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::{
    api::{GetParams, Patch, PatchParams, PostParams, WatchParams},
    core::WatchEvent,
};

use super::{
    Holder, RENEWAL,
    hold::{requests, secrets, unsent, version},
};
use crate::{
    Cluster, FIELD_MANAGER, Object, RequestError,
    record::{Record, secret},
};

/// What became of the attempt to create it.
pub(super) enum Posted {
    /// It is ours, and this is it.
    Created(Box<Object>),
    /// Somebody has it.
    Exists,
    /// There is no namespace yet to have it in.
    NoNamespace,
    /// The account may not create it, or nothing can be created in the namespace.
    Refused(RequestError),
}

/// A lock that somebody has.
pub(super) struct Found {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) version: String,
    /// When the deploy began, by the server's clock.
    pub(super) begun: Option<Timestamp>,
    /// When this was read, by the server's clock.
    now: Option<Timestamp>,
    /// How long ago it was renewed, by the server's clock.
    pub(super) age: Duration,
    pub(super) process: String,
    pub(super) holder: Holder,
    /// What is deployed; none where it cannot be read.
    pub(super) record: Option<Record>,
}

/// Creates the lock: only one can.
pub(super) async fn post(
    cluster: &Cluster,
    record: &Record,
    process: &str,
) -> Result<Posted, RequestError> {
    let secret = secret::write_lock(record, process);
    let attempt = format!("lock `{}`", record.app);
    let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
    let request = requests(&record.namespace).create(&params, bytes(&secret));
    let request = request.map_err(|error| unsent(cluster, &attempt, error))?;
    match cluster.send(request, &attempt).await {
        Ok(answer) => Ok(Posted::Created(Box::new(answer.object))),
        Err(error) => match error.status() {
            Some(409) => Ok(Posted::Exists),
            Some(404) => Ok(Posted::NoNamespace),
            // What keeps the namespace, the apply says.
            Some(403) if error.to_string().contains("being terminated") => Ok(Posted::NoNamespace),
            Some(403) => Ok(Posted::Refused(error)),
            _ => Err(error),
        },
    }
}

/// Takes over the lock that was found, unless it has changed meanwhile.
pub(super) async fn replace(
    cluster: &Cluster,
    record: &Record,
    process: &str,
    found: &Found,
) -> Result<Option<Object>, RequestError> {
    let mut secret = secret::write_lock(record, process);
    let metadata = &mut secret.as_value_mut()["metadata"];
    metadata["uid"] = found.uid.as_str().into();
    metadata["resourceVersion"] = found.version.as_str().into();
    if let Some(now) = found.now {
        secret.set_metadata("annotations", secret::BEGUN, &now.to_string());
    }
    let attempt = format!("take over the lock of `{}`", record.app);
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    // A PATCH and not a PUT, because accounts that write records may do that.
    let request = requests(&found.namespace).patch(&found.name, &params, &Patch::Merge(&secret));
    let request = request.map_err(|error| unsent(cluster, &attempt, error))?;
    match cluster.send(request, &attempt).await {
        Ok(answer) => Ok(Some(answer.object)),
        Err(error) if matches!(error.status(), Some(404 | 409)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the lock of an application; none where it has been given back.
pub(super) async fn read(
    cluster: &Cluster,
    namespace: &str,
    app: &str,
) -> Result<Option<Found>, RequestError> {
    let name = secret::lock_name(app);
    let attempt = format!("read the lock of `{app}`");
    let request = requests(namespace).get(&name, &GetParams::default());
    let request = request.map_err(|error| unsent(cluster, &attempt, error))?;
    let answer = match cluster.send(request, &attempt).await {
        Ok(answer) => answer,
        Err(error) if error.status() == Some(404) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (secret, now) = (answer.object, answer.date);
    let record = secret::read_lock(&secret);
    Ok(Some(Found {
        namespace: namespace.into(),
        name,
        uid: secret.uid().into(),
        version: version(&secret),
        begun: begun(&secret),
        now,
        age: age(&secret, now),
        process: secret.annotation(secret::PROCESS).unwrap_or_default().into(),
        holder: Holder::of(&secret, record.as_ref()),
        record,
    }))
}

/// Returns when the deploy began that has the lock.
pub(super) fn begun(secret: &Object) -> Option<Timestamp> {
    let taken_over = secret.annotation(secret::BEGUN);
    taken_over.or(secret.text("/metadata/creationTimestamp"))?.parse().ok()
}

/// Returns how long ago the lock was written last. Both times are the server's: clocks of runners may be wrong.
fn age(secret: &Object, now: Option<Timestamp>) -> Duration {
    let times = secret.list("/metadata/managedFields").iter();
    let written = times.filter_map(|entry| entry["time"].as_str()?.parse::<Timestamp>().ok()).max();
    match (written, now) {
        (Some(written), Some(now)) => now.duration_since(written).try_into().unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// Waits until the lock that was found is renewed or given back, at most for `limit`.
pub(super) async fn changed(cluster: &Cluster, namespace: &str, found: &Found, limit: Duration) {
    let api = cluster.api(&secrets(), Some(namespace));
    let params = WatchParams::default().fields(&format!("metadata.name={}", found.name));
    let change = async {
        let Ok(stream) = api.watch(&params, &found.version).await else {
            // Not allowed, or the version is too old: looking again now and then is as good.
            return tokio::time::sleep(RENEWAL).await;
        };
        let mut stream = stream.boxed();
        while let Ok(Some(event)) = stream.try_next().await {
            if !matches!(event, WatchEvent::Bookmark(_)) {
                return;
            }
        }
    };
    // In either case the next look tells.
    let _ = tokio::time::timeout(limit, change).await;
}

fn bytes(object: &Object) -> Vec<u8> {
    serde_json::to_vec(object).expect("an object is JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lock::EXPIRY;

    #[test]
    fn the_age_is_by_the_servers_clock() {
        let lock = Object::new(json!({"metadata": {"managedFields": [
            {"manager": "notes-deploy", "time": "2026-01-01T00:00:05Z"},
            {"manager": "notes-deploy", "time": "2026-01-01T00:00:15Z"},
        ]}}));
        let now = |text: &str| Some(text.parse().unwrap());
        assert_eq!(age(&lock, now("2026-01-01T00:00:45Z")), EXPIRY);
        assert_eq!(
            age(&lock, now("2026-01-01T00:00:14Z")),
            Duration::ZERO,
            "another server's clock"
        );
        assert_eq!(age(&lock, None), Duration::ZERO);
    }
}
