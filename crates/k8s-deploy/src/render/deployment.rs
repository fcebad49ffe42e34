//! The Deployment: pods that run as an ordinary user, with no capability and a root they cannot write.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Capabilities, ConfigMapEnvSource, ConfigMapKeySelector, Container, ContainerPort,
            EmptyDirVolumeSource, EnvFromSource, EnvVar, EnvVarSource, HTTPGetAction,
            LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe as ProbeSpec,
            ResourceRequirements, SeccompProfile, SecretEnvSource, SecretKeySelector,
            SecurityContext, TCPSocketAction, Volume, VolumeMount,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use notes_oci::Pinned;

use super::{App, EnvSource, EnvValue, Probe, RootFileSystem, metadata, selector};

/// The name of the port, by which probes and the Service mean it.
const PORT: &str = "http";
/// How often a start is asked for; short, so that a pod counts as ready soon after it is.
const STARTUP_PERIOD: Duration = Duration::from_secs(2);

/// Renders the Deployment.
pub(super) fn deployment(app: &App, image: &Pinned) -> Deployment {
    Deployment {
        metadata: metadata(app, &app.name),
        spec: Some(DeploymentSpec {
            replicas: Some(app.replicas.into()),
            selector: LabelSelector {
                match_labels: Some(selector(app)),
                ..LabelSelector::default()
            },
            // A new pod must be ready before an old one ends: no request is lost, at the price of one pod's room.
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(selector(app)), ..ObjectMeta::default() }),
                spec: Some(pod(app, image)),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn pod(app: &App, image: &Pinned) -> PodSpec {
    let (volumes, mounts) = scratch(app);
    PodSpec {
        automount_service_account_token: Some(false),
        // Off: a Service called `app` would put `APP_PORT=tcp://…` into the environment, and programs read such names.
        enable_service_links: Some(false),
        image_pull_secrets: none_if_empty(
            app.image_pull_secrets
                .iter()
                .map(|name| LocalObjectReference { name: name.clone() })
                .collect(),
        ),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: app.run_as_user.map(Into::into),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".into(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        termination_grace_period_seconds: Some(seconds(app.termination_grace).into()),
        containers: vec![container(app, image, mounts)],
        volumes: none_if_empty(volumes),
        ..PodSpec::default()
    }
}

fn container(app: &App, image: &Pinned, mounts: Vec<VolumeMount>) -> Container {
    Container {
        name: app.name.clone(),
        image: Some(image.to_string()),
        command: none_if_empty(app.command.clone()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT.into()),
            container_port: app.port.get().into(),
            protocol: Some("TCP".into()),
            ..ContainerPort::default()
        }]),
        env: none_if_empty(app.env.iter().map(|(name, value)| variable(name, value)).collect()),
        env_from: none_if_empty(app.env_from.iter().map(all_keys).collect()),
        resources: Some(resources(app)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            read_only_root_filesystem: Some(app.root_file_system == RootFileSystem::ReadOnly),
            ..SecurityContext::default()
        }),
        startup_probe: Some(startup(app)),
        readiness_probe: Some(probe(&app.probes.readiness, Duration::from_secs(5), 3)),
        liveness_probe: Some(probe(&app.probes.liveness, Duration::from_secs(10), 3)),
        volume_mounts: none_if_empty(mounts),
        ..Container::default()
    }
}

fn variable(name: &str, value: &EnvValue) -> EnvVar {
    let mut variable = EnvVar { name: name.into(), ..EnvVar::default() };
    match value {
        EnvValue::Text(text) => variable.value = Some(text.clone()),
        EnvValue::Secret { name, key } => {
            variable.value_from = Some(EnvVarSource {
                secret_key_ref: Some(SecretKeySelector {
                    name: name.clone(),
                    key: key.clone(),
                    optional: None,
                }),
                ..EnvVarSource::default()
            });
        }
        EnvValue::ConfigMap { name, key } => {
            variable.value_from = Some(EnvVarSource {
                config_map_key_ref: Some(ConfigMapKeySelector {
                    name: name.clone(),
                    key: key.clone(),
                    optional: None,
                }),
                ..EnvVarSource::default()
            });
        }
    }
    variable
}

fn all_keys(source: &EnvSource) -> EnvFromSource {
    let mut all = EnvFromSource::default();
    match source.clone() {
        EnvSource::Secret(name) => all.secret_ref = Some(SecretEnvSource { name, optional: None }),
        EnvSource::ConfigMap(name) => {
            all.config_map_ref = Some(ConfigMapEnvSource { name, optional: None });
        }
    }
    all
}

fn resources(app: &App) -> ResourceRequirements {
    let quantities = |pairs: &[(&str, &str)]| {
        let map: BTreeMap<_, _> =
            pairs.iter().map(|&(name, amount)| (name.into(), Quantity(amount.into()))).collect();
        Some(map)
    };
    let asked = &app.resources;
    ResourceRequirements {
        requests: quantities(&[("cpu", &asked.cpu), ("memory", &asked.memory)]),
        limits: quantities(&[("memory", &asked.memory_limit)]),
        ..ResourceRequirements::default()
    }
}

fn startup(app: &App) -> ProbeSpec {
    let attempts = app.probes.startup.as_secs().div_ceil(STARTUP_PERIOD.as_secs()).max(1);
    probe(&app.probes.readiness, STARTUP_PERIOD, i32::try_from(attempts).unwrap_or(i32::MAX))
}

fn probe(probe: &Probe, period: Duration, failures: i32) -> ProbeSpec {
    let port = IntOrString::String(PORT.into());
    let mut spec = ProbeSpec {
        period_seconds: Some(seconds(period)),
        timeout_seconds: Some(2),
        failure_threshold: Some(failures),
        ..ProbeSpec::default()
    };
    match probe {
        Probe::Tcp => spec.tcp_socket = Some(TCPSocketAction { port, host: None }),
        Probe::Http(path) => {
            spec.http_get =
                Some(HTTPGetAction { path: Some(path.clone()), port, ..HTTPGetAction::default() });
        }
    }
    spec
}

/// Returns an `emptyDir` for `/tmp` where the root is read-only, and for each directory that is to be writable.
fn scratch(app: &App) -> (Vec<Volume>, Vec<VolumeMount>) {
    let tmp = (app.root_file_system == RootFileSystem::ReadOnly).then_some("/tmp");
    tmp.into_iter()
        .chain(app.writable.iter().map(String::as_str))
        .map(|path| {
            let name = volume_name(path);
            let volume = Volume {
                name: name.clone(),
                empty_dir: Some(EmptyDirVolumeSource::default()),
                ..Volume::default()
            };
            (volume, VolumeMount { name, mount_path: path.into(), ..VolumeMount::default() })
        })
        .unzip()
}

/// Returns a DNS label for a path: `/var/lib/app` is `var-lib-app`.
fn volume_name(path: &str) -> String {
    let name: String = path
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    name.trim_matches('-').into()
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn none_if_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
