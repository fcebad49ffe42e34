//! A lock that is ours: renewed, and given back.

use std::sync::{Arc, Mutex, PoisonError};

use kube::{
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
    core::Request,
};
use serde_json::json;
use tokio::{sync::watch, task::AbortHandle};

use super::RENEWAL;
use crate::{
    Cluster, FIELD_MANAGER, Object, RequestError,
    cluster::api_resource,
    manifest::{self, Resource},
    record::secret,
};

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

pub(super) fn version(secret: &Object) -> String {
    secret.text("/metadata/resourceVersion").unwrap_or_default().into()
}

pub(super) fn requests(namespace: &str) -> Request {
    use kube::Resource as _;
    Request::new(DynamicObject::url_path(&api_resource(&secrets()), Some(namespace)))
}

pub(super) fn unsent(
    cluster: &Cluster,
    attempt: &str,
    error: kube::core::request::Error,
) -> RequestError {
    cluster.error(attempt, kube::Error::BuildRequest(error))
}

pub(super) fn secrets() -> Resource {
    manifest::resource("v1", "Secret").expect("a built-in kind")
}
