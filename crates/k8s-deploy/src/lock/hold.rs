//! The Secret that is the lock, as the server has it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::{
    api::{
        DeleteParams, DynamicObject, GetParams, Patch, PatchParams, PostParams, Preconditions,
        WatchParams,
    },
    core::{Request, WatchEvent},
};
use serde_json::json;
use tokio::{sync::watch, task::AbortHandle};

use super::{Holder, RENEWAL};
use crate::{
    Cluster, FIELD_MANAGER, Object, RequestError,
    cluster::api_resource,
    manifest::{self, Resource},
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

/// A lock that is ours. It is renewed until this is dropped.
pub(super) struct Hold {
    secret: Arc<Secret>,
    renewing: AbortHandle,
    is_lost: watch::Receiver<bool>,
}

/// What tells our lock from the next that has its name.
struct Secret {
    namespace: String,
    name: String,
    token: String,
    /// The version that we left: nobody else writes it while it is ours.
    version: Mutex<String>,
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
    let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
    let request = requests(&found.namespace).replace(&found.name, &params, bytes(&secret));
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

impl Hold {
    /// Begins to renew it.
    pub(super) fn begin(cluster: &Cluster, secret: &Object) -> Self {
        let secret = Arc::new(Secret {
            namespace: secret.namespace().unwrap_or_default().into(),
            name: secret.name().into(),
            token: token(secret),
            version: Mutex::new(version(secret)),
        });
        let (tell, is_lost) = watch::channel(false);
        let renewal = renew(cluster.clone(), Arc::clone(&secret), tell);
        Self { secret, renewing: tokio::spawn(renewal).abort_handle(), is_lost }
    }

    pub(super) fn lost(&self) -> impl Future<Output = ()> + use<> {
        let mut is_lost = self.is_lost.clone();
        async move {
            if is_lost.wait_for(|is_lost| *is_lost).await.is_err() {
                // It is not renewed any more because it was given back.
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) async fn release(self, cluster: &Cluster) -> Result<(), RequestError> {
        self.renewing.abort();
        // It was renewed and not noted, or a person has annotated it: then it is still ours.
        while !self.secret.delete(cluster).await? {
            if !self.secret.is_ours(cluster).await? {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Secret {
    fn version(&self) -> String {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, secret: &Object) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version(secret);
    }

    /// Deletes it; false where it is not as we left it.
    async fn delete(&self, cluster: &Cluster) -> Result<bool, RequestError> {
        let attempt = format!("give `{}` back", self.name);
        let resource_version = Some(self.version());
        let preconditions = Some(Preconditions { uid: None, resource_version });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        let request = requests(&self.namespace).delete(&self.name, &params);
        let request = request.map_err(|error| unsent(cluster, &attempt, error))?;
        match cluster.send(request, &attempt).await {
            Err(error) if error.status() == Some(409) => Ok(false),
            Err(error) if error.status() != Some(404) => Err(error),
            Ok(_) | Err(_) => Ok(true),
        }
    }

    /// Renews it; false where it is not as we left it.
    async fn renew(&self, cluster: &Cluster, count: u64) -> Result<bool, RequestError> {
        let attempt = format!("renew `{}`", self.name);
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let patch = json!({"metadata": {
            "resourceVersion": self.version(), "annotations": {secret::RENEWED: count.to_string()},
        }});
        let request =
            requests(&self.namespace).patch_metadata(&self.name, &params, &Patch::Merge(&patch));
        let request = request.map_err(|error| unsent(cluster, &attempt, error))?;
        match cluster.send(request, &attempt).await {
            Ok(answer) => {
                self.note(&answer.object);
                Ok(true)
            }
            Err(error) if matches!(error.status(), Some(404 | 409)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks whether it is still ours, and notes how it is.
    async fn is_ours(&self, cluster: &Cluster) -> Result<bool, RequestError> {
        let live = cluster.read(&secrets(), Some(&self.namespace), &self.name).await?;
        let ours = live.filter(|secret| token(secret) == self.token);
        if let Some(secret) = &ours {
            self.note(secret);
        }
        Ok(ours.is_some())
    }
}

/// Renews the lock until it turns out to be another's. A server that does not answer now may the next time: until then nobody else
/// can take it over either.
async fn renew(cluster: Cluster, secret: Arc<Secret>, tell: watch::Sender<bool>) {
    for count in 1_u64.. {
        tokio::time::sleep(RENEWAL).await;
        let is_as_left = secret.renew(&cluster, count).await.unwrap_or(true);
        if !is_as_left && !secret.is_ours(&cluster).await.unwrap_or(true) {
            let _ = tell.send(true);
            return;
        }
    }
}

/// Returns what no two holders of a lock have in common: the process, and when its deploy began.
fn token(secret: &Object) -> String {
    let annotation = |key| secret.annotation(key).unwrap_or_default();
    format!("{} {}", annotation(secret::PROCESS), annotation(secret::AT))
}

fn version(secret: &Object) -> String {
    secret.text("/metadata/resourceVersion").unwrap_or_default().into()
}

fn requests(namespace: &str) -> Request {
    use kube::Resource as _;
    Request::new(DynamicObject::url_path(&api_resource(&secrets()), Some(namespace)))
}

fn bytes(object: &Object) -> Vec<u8> {
    serde_json::to_vec(object).expect("an object is JSON")
}

fn unsent(cluster: &Cluster, attempt: &str, error: kube::core::request::Error) -> RequestError {
    cluster.error(attempt, kube::Error::BuildRequest(error))
}

pub(super) fn secrets() -> Resource {
    manifest::resource("v1", "Secret").expect("a built-in kind")
}

#[cfg(test)]
mod tests {
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
