//! The Job: the release's own container with another command.

use serde_json::{Value, json};

use super::{Error, Migration};
use crate::{FIELD_MANAGER, Object, Release, pin::pod_spec_path, release::COMMIT};

/// The container's name, and what stands before its lines.
pub(super) const CONTAINER: &str = "migrate";
/// The label by which the Job's pods are found.
pub(super) const LABEL: &str = "notes-deploy/migration";
/// The label with the application's name, as records have it.
pub(super) const APP: &str = "notes-deploy/app";
/// The longest name of a Job: it becomes a label of its pods.
const LONGEST: usize = 63;
/// How long after our own time-out the Job ends itself, where we were killed meanwhile.
const BACKSTOP: u64 = 60;

/// Returns the name of a release's Job.
///
/// ```
/// assert_eq!(notes_k8s_deploy::migration::name("web", "a3f92bd"), "web-migrate-a3f92bd");
/// ```
pub fn name(app: &str, short: &str) -> String {
    let rest = format!("-{CONTAINER}-{short}");
    let room = LONGEST.saturating_sub(rest.len());
    let app: String = app.chars().take(room).collect();
    format!("{}{rest}", app.trim_end_matches(['-', '.']))
}

impl Migration {
    /// Returns the Job that runs this before `release`.
    ///
    /// It is made of the workload that runs the image, a Deployment before others: its image, variables, volumes, service
    /// account, security settings and init containers. Without the labels of the pods, because a Service would send it
    /// requests, and without the other containers, because it would never end; a container that is to run beside it is an init
    /// container that restarts always.
    ///
    /// # Errors
    ///
    /// Fails when no workload runs the image.
    pub fn job(&self, release: &Release) -> Result<Object, Error> {
        let image = release.image.to_string();
        let mut workloads: Vec<&Object> =
            release.objects().filter(|object| container(object, &image).is_some()).collect();
        workloads.sort_by_key(|object| object.kind() != "Deployment");
        let workload =
            workloads.first().ok_or_else(|| Error::NoWorkload { image: release.image.name() })?;
        let name = name(&release.app, &release.provenance.short);
        let namespace = workload.namespace().unwrap_or(&release.namespace);
        let labels = json!({
            "app.kubernetes.io/managed-by": FIELD_MANAGER, APP: release.app, LABEL: name,
        });
        Ok(Object::new(json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": name, "namespace": namespace, "labels": labels,
                "annotations": {COMMIT: release.provenance.commit},
            },
            "spec": {
                // A change that broke off half-way is not for a machine to try again. A node that is drained is no failure.
                "backoffLimit": 0,
                "podFailurePolicy": {"rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]},
                "activeDeadlineSeconds": self.timeout.as_secs() + BACKSTOP,
                "template": {
                    "metadata": {"labels": labels},
                    "spec": self.pod(workload, &image),
                },
            },
        })))
    }

    fn pod(&self, workload: &Object, image: &str) -> Value {
        let path = pod_spec_path(workload).expect("it has a container");
        let mut pod = workload.at(path).cloned().unwrap_or_default();
        let mut container = container(workload, image).expect("it was chosen for it").clone();
        if let Some(fields) = container.as_object_mut() {
            for served in
                ["args", "ports", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]
            {
                fields.shift_remove(served);
            }
        }
        container["name"] = CONTAINER.into();
        container["command"] = self.command.as_slice().into();
        pod["containers"] = json!([container]);
        pod["restartPolicy"] = "Never".into();
        if let Some(fields) = pod.as_object_mut() {
            fields.shift_remove("topologySpreadConstraints");
        }
        pod
    }
}

/// Returns the first container that runs `image` as long as the pod.
fn container<'a>(object: &'a Object, image: &str) -> Option<&'a Value> {
    let containers = object.list(&format!("{}/containers", pod_spec_path(object)?));
    containers.iter().find(|container| container["image"] == image)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use notes_oci::{Digest, Pinned};

    use super::*;
    use crate::{Provenance, manifest, release};

    const MANIFESTS: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: worker}
spec: {selector: {}, template: {spec: {containers: [{name: worker, image: user/app}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      topologySpreadConstraints: [{topologyKey: zone}]
      initContainers: [{name: proxy, image: proxy, restartPolicy: Always}]
      containers:
      - {name: metrics, image: metrics}
      - name: web
        image: user/app
        args: [serve]
        ports: [{containerPort: 80}]
        readinessProbe: {tcpSocket: {port: 80}}
        env: [{name: URL, value: db}]
        envFrom: [{secretRef: {name: keys}}]
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
";

    fn release(app: &str, text: &str) -> Release {
        let provenance = Provenance {
            commit: "a3f92bd0000000000000000000000000000000aa".into(),
            short: "a3f92bd".into(),
            subject: None,
            by: None,
            pipeline: None,
            at: Timestamp::UNIX_EPOCH,
        };
        let options = release::Options {
            app: app.into(),
            namespace: "apps".into(),
            containers: vec![],
            provenance,
        };
        let image: Pinned = format!("user/app@{}", Digest::of(b"{}")).parse().unwrap();
        Release::prepare(manifest::parse("k", text).unwrap(), image, options).unwrap()
    }

    fn migration() -> Migration {
        let command = ["python", "manage.py", "migrate"].map(Into::into).to_vec();
        Migration { command, timeout: super::super::TIMEOUT }
    }

    #[test]
    fn the_job_is_the_deployment_s_container_with_another_command() {
        let release = release("web", MANIFESTS);
        let job = migration().job(&release).unwrap();
        let container = json!({
            "name": "migrate",
            "image": release.image.to_string(),
            "command": ["python", "manage.py", "migrate"],
            "env": [{"name": "URL", "value": "db"}],
            "envFrom": [{"secretRef": {"name": "keys"}}],
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        });
        let pod = json!({
            "restartPolicy": "Never",
            "serviceAccountName": "web",
            "initContainers": [{"name": "proxy", "image": "proxy", "restartPolicy": "Always"}],
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        });
        assert_eq!(job.at("/spec/template/spec"), Some(&pod));
        assert_eq!((job.name(), job.namespace()), ("web-migrate-a3f92bd", Some("apps")));
        assert_eq!(job.annotation(COMMIT), Some(release.provenance.commit.as_str()));
        assert_eq!(job.integer("/spec/backoffLimit"), Some(0));
        let labels = job.at("/spec/template/metadata/labels").unwrap();
        assert_eq!((&labels["app"], &labels[APP]), (&Value::Null, &json!("web")));
    }

    #[test]
    fn names_are_short_enough_and_end_with_the_commit() {
        let name = name(&format!("b{}", "a-".repeat(40)), "a3f92bd");
        assert_eq!((name.len(), name.ends_with("a-migrate-a3f92bd")), (62, true), "{name}");
    }

    #[test]
    fn a_release_without_a_workload_of_the_image_cannot_be_migrated() {
        let text = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {initContainers: [{name: i, image: user/app}]}}";
        let error = migration().job(&release("web", text)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no workload runs `docker.io/user/app`, so that there is nothing to migrate with"
        );
    }
}
