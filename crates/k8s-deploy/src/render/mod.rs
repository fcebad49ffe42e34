//! Manifests for those who bring none: a Namespace, a Deployment and a Service, typed and safe by default.

mod deployment;
mod service;

use std::{collections::BTreeMap, num::NonZeroU16, time::Duration};

use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use notes_oci::Pinned;
use serde::Serialize;

use crate::{Manifest, Object, manifest::Origin};

/// One web application: what a [`render`] makes objects of.
///
/// The defaults satisfy the Pod Security Standard *restricted*, so that the pods are admitted anywhere.
#[derive(Clone, Debug)]
pub struct App {
    /// The name of the Deployment and the value of the label it selects.
    pub name: String,
    /// The namespace, which is rendered too.
    pub namespace: String,
    /// The number of pods.
    pub replicas: u16,
    /// The port the program listens on, and the Service's port.
    pub port: NonZeroU16,
    /// The Service's name.
    pub service: String,
    /// The program and its arguments, where they are not the image's.
    pub command: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, EnvValue>,
    /// Secrets and `ConfigMaps` whose every key becomes an environment variable.
    pub env_from: Vec<EnvSource>,
    /// Secrets with the credentials for the registry.
    pub image_pull_secrets: Vec<String>,
    /// The user id, where the image names its user by name or is to run as another.
    pub run_as_user: Option<u32>,
    /// Whether the program may change its own file system.
    pub root_file_system: RootFileSystem,
    /// Directories that get an `emptyDir`, besides `/tmp`.
    pub writable: Vec<String>,
    /// What is asked of the scheduler and what is the limit.
    pub resources: Resources,
    /// How the pod's health is asked for.
    pub probes: Probes,
    /// How long a pod may take to end after SIGTERM.
    pub termination_grace: Duration,
}

impl App {
    /// Returns an application with safe defaults: two pods, `name` as the Service, a read-only root, probes on the port.
    pub fn new(name: impl Into<String>, namespace: impl Into<String>, port: NonZeroU16) -> Self {
        let name = name.into();
        Self {
            service: name.clone(),
            name,
            namespace: namespace.into(),
            replicas: 2,
            port,
            command: Vec::new(),
            env: BTreeMap::new(),
            env_from: Vec::new(),
            image_pull_secrets: Vec::new(),
            run_as_user: None,
            root_file_system: RootFileSystem::ReadOnly,
            writable: Vec::new(),
            resources: Resources::default(),
            probes: Probes::default(),
            termination_grace: Duration::from_secs(30),
        }
    }
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// The text itself.
    Text(String),
    /// A key of a Secret in the same namespace.
    Secret {
        /// The Secret's name.
        name: String,
        /// The key in it.
        key: String,
    },
    /// A key of a `ConfigMap` in the same namespace.
    ConfigMap {
        /// The `ConfigMap`'s name.
        name: String,
        /// The key in it.
        key: String,
    },
}

/// What gives all its keys to the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvSource {
    /// A Secret of this name.
    Secret(String),
    /// A `ConfigMap` of this name.
    ConfigMap(String),
}

/// Whether a program may change the file system of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootFileSystem {
    /// It may not; `/tmp` is an `emptyDir`.
    ReadOnly,
    /// It may; changes are lost with the container.
    Writable,
}

/// What a container asks for and what it may use, as Kubernetes quantities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// The CPU asked for. There is no CPU limit: it throttles where cores are idle.
    pub cpu: String,
    /// The memory asked for.
    pub memory: String,
    /// The memory above which the container is killed.
    pub memory_limit: String,
}

impl Default for Resources {
    fn default() -> Self {
        Self { cpu: "100m".into(), memory: "128Mi".into(), memory_limit: "512Mi".into() }
    }
}

/// How a pod's health is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probes {
    /// Whether the process works; a failure restarts it.
    pub liveness: Probe,
    /// Whether requests can be sent to it.
    pub readiness: Probe,
    /// How long a start may take before the other probes count.
    pub startup: Duration,
}

impl Default for Probes {
    fn default() -> Self {
        Self { liveness: Probe::Tcp, readiness: Probe::Tcp, startup: Duration::from_mins(1) }
    }
}

/// One question to the program's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Does it accept a connection?
    Tcp,
    /// Does this path answer with 200 to 399?
    Http(String),
}

/// Renders the objects that run `app` with `image`: Namespace, Deployment and Service.
///
/// # Examples
///
/// ```
/// use notes_k8s_deploy::render::{App, render};
/// use notes_oci::{Digest, Reference};
///
/// let image = "user/app:a3f92bd".parse::<Reference>()?.pin(Digest::of(b"{}"));
/// let manifests = render(&App::new("web", "apps", 8000.try_into().unwrap()), &image);
/// let names: Vec<_> = manifests.iter().map(|manifest| manifest.object.id().to_string()).collect();
/// assert_eq!(names, ["namespace/apps", "deployment/web", "service/web"]);
/// # Ok::<(), notes_oci::ReferenceError>(())
/// ```
pub fn render(app: &App, image: &Pinned) -> Vec<Manifest> {
    let origin = Origin { file: "rendered".into(), line: 1 };
    // NB: no label on the namespace. One that exists is then as it should be, and a CI account that may not
    // change namespaces can deploy into it.
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(app.namespace.clone()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    [
        object(&namespace),
        object(&deployment::deployment(app, image)),
        object(&service::service(app)),
    ]
    .into_iter()
    .map(|object| Manifest { object, origin: origin.clone() })
    .collect()
}

/// Writes objects as YAML documents.
pub fn to_yaml<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    let mut options = serde_saphyr::SerializerOptions::default();
    // An image with its digest is a long word; folded, it would no longer be found by searching for it.
    options.folded_wrap_chars = usize::MAX;
    let documents: Vec<String> = objects
        .into_iter()
        .map(|object| {
            serde_saphyr::to_string_with_options(object.as_value(), options.clone())
                .expect("JSON has a YAML form")
        })
        .collect();
    documents.join("---\n")
}

fn object(typed: &impl Serialize) -> Object {
    Object::new(serde_json::to_value(typed).expect("API types are plain data"))
}

/// The labels that tell pods of this application from others. Never changed: a Deployment's selector is immutable.
fn selector(app: &App) -> BTreeMap<String, String> {
    BTreeMap::from([("app.kubernetes.io/name".into(), app.name.clone())])
}

fn metadata(app: &App, name: &str) -> ObjectMeta {
    let mut labels = selector(app);
    labels.insert("app.kubernetes.io/managed-by".into(), crate::FIELD_MANAGER.into());
    ObjectMeta {
        name: Some(name.into()),
        namespace: Some(app.namespace.clone()),
        labels: Some(labels),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
