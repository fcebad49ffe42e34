//! How each kind of a release is addressed.

use std::{collections::HashMap, time::Duration};

use kube::runtime::{conditions, wait::await_condition};

use super::Error;
use crate::{
    Cluster, Manifest, Object,
    cluster::RequestError,
    manifest::{self, Resource, Scope},
};

/// How long a custom kind may take to be served after its definition was applied; usually it is under a second.
const ESTABLISHED: Duration = Duration::from_secs(30);

/// The kinds of a release, resolved: from the built-in table, the release's own definitions, or the cluster.
pub(crate) struct Resources(HashMap<(String, String), Resource>);

impl Resources {
    /// Resolves every kind. Asks the cluster once for each group and version that is neither built in nor defined here.
    pub(crate) async fn resolve(cluster: &Cluster, manifests: &[Manifest]) -> Result<Self, Error> {
        let mut known = HashMap::new();
        let defined: Vec<Resource> =
            manifests.iter().filter_map(|manifest| definition(&manifest.object)).collect();
        let mut served: HashMap<String, Vec<Resource>> = HashMap::new();
        for Manifest { object, origin } in manifests {
            let (api_version, kind) = (object.api_version(), object.kind());
            let key = (api_version.to_owned(), kind.to_owned());
            if known.contains_key(&key) {
                continue;
            }
            let group = object.group();
            let ours = || defined.iter().find(|r| r.group == group && r.kind == kind);
            let resource = if let Some(resource) =
                manifest::resource(api_version, kind).or_else(|| {
                    ours().map(|resource| Resource {
                        version: version(api_version),
                        ..resource.clone()
                    })
                }) {
                resource
            } else {
                if !served.contains_key(api_version) {
                    served.insert(api_version.into(), discover(cluster, api_version).await?);
                }
                let found = served[api_version].iter().find(|resource| resource.kind == kind);
                found.cloned().ok_or_else(|| Error::NoSuchKind {
                    origin: origin.clone(),
                    kind: kind.into(),
                    api_version: api_version.into(),
                    nearest: manifest::nearest_kind(api_version, kind),
                })?
            };
            known.insert(key, resource);
        }
        Ok(Self(known))
    }

    /// Returns how an object of the release is addressed.
    pub(crate) fn of(&self, object: &Object) -> Option<&Resource> {
        self.0.get(&(object.api_version().to_owned(), object.kind().to_owned()))
    }

    /// Waits until the kinds that a phase defined are served, so that the next phase can use them.
    pub(super) async fn establish(
        &self,
        cluster: &Cluster,
        phase: &[Manifest],
    ) -> Result<(), Error> {
        for Manifest { object, .. } in phase.iter().filter(|m| definition(&m.object).is_some()) {
            let api = kube::Api::all(cluster.client().clone());
            let wait = await_condition(api, object.name(), conditions::is_crd_established());
            let not_established = || Error::NotEstablished {
                id: Box::new(object.id()),
                seconds: ESTABLISHED.as_secs(),
            };
            tokio::time::timeout(ESTABLISHED, wait)
                .await
                .map_err(|_| not_established())?
                .map_err(|_| not_established())?;
        }
        Ok(())
    }
}

/// Returns the kind that a `CustomResourceDefinition` defines.
fn definition(object: &Object) -> Option<Resource> {
    if object.kind() != "CustomResourceDefinition" {
        return None;
    }
    Some(Resource {
        group: object.text("/spec/group")?.into(),
        version: object.text("/spec/versions/0/name").unwrap_or("v1").into(),
        kind: object.text("/spec/names/kind")?.into(),
        plural: object.text("/spec/names/plural")?.into(),
        scope: scope(object.text("/spec/scope") == Some("Namespaced")),
    })
}

pub(crate) async fn discover(
    cluster: &Cluster,
    api_version: &str,
) -> Result<Vec<Resource>, RequestError> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let answer = match cluster.client().list_api_group_resources(api_version).await {
        Ok(answer) => answer,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
        Err(error) => {
            let attempt = format!("list the kinds of `{api_version}`");
            return Err(RequestError::from_kube(attempt, cluster.server(), error));
        }
    };
    let kinds = answer.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    Ok(kinds
        .map(|resource| Resource {
            group: group.into(),
            version: version.into(),
            kind: resource.kind,
            plural: resource.name,
            scope: scope(resource.namespaced),
        })
        .collect())
}

fn scope(is_namespaced: bool) -> Scope {
    if is_namespaced { Scope::Namespaced } else { Scope::Cluster }
}

fn version(api_version: &str) -> String {
    api_version.rsplit('/').next().unwrap_or(api_version).into()
}
