//! What is to run: the objects of one commit, pinned and in apply order.

use jiff::Timestamp;
use notes_oci::Pinned;
use serde::{Deserialize, Serialize};

use crate::{
    Manifest, Object,
    manifest::{self, Origin, Scope},
    pin::{self, Pin},
};

/// The annotation that `kubectl rollout history` shows; the controller copies it to the new `ReplicaSet`.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// The annotation with the full commit id, on workloads and on records.
pub const COMMIT: &str = "notes-deploy/commit";

/// Which commit is deployed, by whom and when. Values, so that this library needs no clock and no environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The full commit id.
    pub commit: String,
    /// The short commit id by which the release is addressed.
    pub short: String,
    /// The first line of the commit message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who deploys: a login or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The URL of the pipeline or job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// When the deploy began.
    pub at: Timestamp,
}

impl Provenance {
    /// Returns the text for [`CHANGE_CAUSE`].
    fn change_cause(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{} {subject}", self.short),
            None => self.short.clone(),
        }
    }
}

/// What is to run. Complete once prepared: every image that stands for the build is pinned, every object has its
/// namespace, and the objects are in the order in which they are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// The application's name, by which records are found.
    pub app: String,
    /// The namespace of the record, and of objects that name none.
    pub namespace: String,
    /// The image.
    pub image: Pinned,
    /// Where the release comes from.
    pub provenance: Provenance,
    /// The objects in apply order.
    pub manifests: Vec<Manifest>,
    /// The containers whose image was replaced.
    pub pins: Vec<Pin>,
}

/// The error returned when manifests cannot become a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no object at all.
    #[error("there is nothing to deploy")]
    Empty,
    /// No container uses the image.
    #[error("no container uses the image `{image}`")]
    Unused {
        /// The pinned image.
        image: String,
        /// The images that are used.
        found: Vec<String>,
    },
    /// A container was named that no workload has.
    #[error("no workload has a container called `{container}`")]
    NoContainer {
        /// The container's name.
        container: String,
    },
}

impl Error {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unused { found, .. } if !found.is_empty() => Some(format!(
                "the manifests use {}; write the repository without a tag, or name the container",
                found.iter().map(|image| format!("`{image}`")).collect::<Vec<_>>().join(", ")
            )),
            _ => None,
        }
    }
}

/// What [`Release::prepare`] needs besides the manifests.
#[derive(Clone, Debug)]
pub struct Options {
    /// The application's name.
    pub app: String,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Containers that run the image, whatever image they name.
    pub containers: Vec<String>,
    /// Where the release comes from.
    pub provenance: Provenance,
}

impl Release {
    /// Returns its objects, in the order of the manifests.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.manifests.iter().map(|manifest| &manifest.object)
    }

    /// Returns the manifest of the namespace `name`, where it has one.
    pub(crate) fn namespace_manifest(&self, name: &str) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| {
            manifest.object.kind() == "Namespace" && manifest.object.name() == name
        })
    }

    /// Makes a release of `manifests` that runs `image`.
    ///
    /// # Errors
    ///
    /// Fails when no container uses the image: deploying the old image again would look like success.
    pub fn prepare(
        mut manifests: Vec<Manifest>,
        image: Pinned,
        options: Options,
    ) -> Result<Self, Error> {
        if manifests.is_empty() {
            return Err(Error::Empty);
        }
        let Options { app, namespace, containers, provenance } = options;
        let found = manifests.iter().flat_map(|manifest| pin::images(&manifest.object)).collect();
        let mut pins = Vec::new();
        for Manifest { object, .. } in &mut manifests {
            pins.extend(pin::substitute(object, &image, &containers));
            complete(object, &namespace, &provenance);
        }
        if let Some(container) =
            containers.iter().find(|name| !pins.iter().any(|pin| pin.container == **name))
        {
            return Err(Error::NoContainer { container: container.clone() });
        }
        if pins.is_empty()
            && !manifests.iter().any(|m| pin::images(&m.object).contains(&image.to_string()))
        {
            return Err(Error::Unused { image: image.name(), found });
        }
        sort(&mut manifests);
        Ok(Self { app, namespace, image, provenance, manifests, pins })
    }

    /// Makes a release of objects that were recorded when they were applied before.
    pub fn restore(
        app: String,
        namespace: String,
        image: Pinned,
        provenance: Provenance,
        objects: Vec<Object>,
    ) -> Self {
        let origin = Origin { file: format!("release {}", provenance.short), line: 1 };
        let mut manifests: Vec<_> =
            objects.into_iter().map(|object| Manifest { object, origin: origin.clone() }).collect();
        sort(&mut manifests);
        Self { app, namespace, image, provenance, manifests, pins: Vec::new() }
    }

    /// Returns the objects in groups: those of one group may be applied at once, the groups one after the other.
    pub fn phases(&self) -> impl Iterator<Item = &[Manifest]> {
        self.manifests.chunk_by(|left, right| phase(&left.object) == phase(&right.object))
    }
}

/// Fills in the namespace and the annotations that say where a workload comes from.
fn complete(object: &mut Object, namespace: &str, provenance: &Provenance) {
    let resource = manifest::resource(object.api_version(), object.kind());
    let is_namespaced = resource.is_some_and(|resource| resource.scope == Scope::Namespaced);
    if is_namespaced && object.namespace().is_none() {
        object.as_value_mut()["metadata"]["namespace"] = namespace.into();
    }
    if is_workload(object) {
        if object.annotation(CHANGE_CAUSE).is_none() {
            object.set_metadata("annotations", CHANGE_CAUSE, &provenance.change_cause());
        }
        object.set_metadata("annotations", COMMIT, &provenance.commit);
    }
}

pub(crate) fn is_workload(object: &Object) -> bool {
    matches!(
        (object.group(), object.kind()),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") | ("batch", "CronJob" | "Job")
    )
}

fn sort(manifests: &mut [Manifest]) {
    // Stable: within a phase, the order of the files.
    manifests.sort_by_key(|manifest| phase(&manifest.object));
}

/// Returns the apply order of an object: what others need comes first.
fn phase(object: &Object) -> u8 {
    phase_of(object.kind())
}

/// The same by the kind alone; what is removed goes in the opposite order.
pub(crate) fn phase_of(kind: &str) -> u8 {
    match kind {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "ResourceQuota" | "LimitRange" | "PriorityClass" | "StorageClass" | "RuntimeClass"
        | "ServiceAccount" | "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
        | "NetworkPolicy" => 2,
        "Secret" | "ConfigMap" | "PersistentVolume" | "PersistentVolumeClaim" => 3,
        // Before the pods, which get the addresses of services that exist in their environment.
        "Service" => 4,
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Pod" | "Job" | "CronJob" => 6,
        "Ingress"
        | "HorizontalPodAutoscaler"
        | "PodDisruptionBudget"
        | "APIService"
        | "MutatingWebhookConfiguration"
        | "ValidatingWebhookConfiguration" => 7,
        // Custom resources: what a workload may wait for, as a certificate.
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use notes_oci::{Digest, Reference};

    use super::*;

    fn options() -> Options {
        let provenance = Provenance {
            commit: "a3f92bd0000000000000000000000000000000aa".into(),
            short: "a3f92bd".into(),
            subject: Some("Add search".into()),
            by: None,
            pipeline: None,
            at: Timestamp::UNIX_EPOCH,
        };
        Options { app: "web".into(), namespace: "apps".into(), containers: vec![], provenance }
    }

    fn image() -> Pinned {
        "user/app:a3f92bd".parse::<Reference>().unwrap().pin(Digest::of(b"{}"))
    }

    const TEXT: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {}, template: {spec: {containers: [{name: web, image: user/app}]}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
";

    #[test]
    fn objects_are_completed_and_ordered() {
        let manifests = manifest::parse("k", TEXT).unwrap();
        let release = Release::prepare(manifests, image(), options()).unwrap();
        let phases: Vec<Vec<_>> = release
            .phases()
            .map(|phase| {
                phase.iter().map(|m| (m.object.kind().to_owned(), m.object.namespace())).collect()
            })
            .collect();
        assert_eq!(
            phases,
            [
                [("Namespace".into(), None)],
                [("Service".into(), Some("other"))],
                [("Deployment".into(), Some("apps"))],
                [("Ingress".into(), Some("apps"))]
            ]
        );
        let deployment = &release.manifests[2].object;
        assert_eq!(deployment.annotation(CHANGE_CAUSE), Some("a3f92bd Add search"));
        assert_eq!(deployment.annotation(COMMIT), Some(options().provenance.commit.as_str()));
    }

    #[test]
    fn an_image_that_nobody_uses_is_an_error() {
        let text = TEXT.replace("user/app", "postgres:17");
        let error =
            Release::prepare(manifest::parse("k", &text).unwrap(), image(), options()).unwrap_err();
        assert_eq!(error.to_string(), "no container uses the image `docker.io/user/app`");
        assert!(error.hint().unwrap().starts_with("the manifests use `postgres:17`"));
        let named = Options { containers: vec!["wed".into()], ..options() };
        let error =
            Release::prepare(manifest::parse("k", TEXT).unwrap(), image(), named).unwrap_err();
        assert_eq!(error.to_string(), "no workload has a container called `wed`");
    }
}
