//! `[deploy]`.

use std::collections::BTreeMap;

use super::{CommandLine, FileError, List, Located, Seconds, Switch, reader::Reader};

/// How the image is deployed.
#[derive(Clone, Debug, Default)]
pub struct DeploySection {
    /// `name`: the Deployment, and the value of its label.
    pub name: Option<Located<String>>,
    /// `namespace`: where to.
    pub namespace: Option<Located<String>>,
    /// `replicas`: how many pods run.
    pub replicas: Option<Located<u32>>,
    /// `port`: the port the container listens on and the Service offers.
    pub port: Option<Located<u16>>,
    /// `service`: the name of the Service.
    pub service: Option<Located<String>>,
    /// `manifests`: a directory or file of manifests to use instead of the rendered ones, relative to this file.
    pub manifests: Option<Located<String>>,
    /// `container`: the container of the manifests that gets the image, where it cannot be told from the image's name.
    pub container: Option<Located<String>>,
    /// `context`: the kubeconfig context.
    pub context: Option<Located<String>>,
    /// `timeout`: how long the rollout may take; computed from the probes without it.
    pub timeout: Option<Located<Seconds>>,
    /// `create-namespace`: auto, always or never.
    pub create_namespace: Option<Located<Switch>>,
    /// `report`: the directory of the report, relative to this file.
    pub report: Option<Located<String>>,
    /// `prune`: whether objects go that a release no longer has; auto, always or never.
    pub prune: Option<Located<Switch>>,
    /// `wait-for-lock`: how long another deploy of the application is waited for.
    pub wait_for_lock: Option<Located<Seconds>>,
    /// `rollback`: whether a release that fails is rolled back; auto (in CI), always or never.
    pub rollback: Option<Located<Switch>>,
    /// `pull-secret`: the Secret to pull the image with.
    pub pull_secret: Option<Located<String>>,
    /// `env-from`: Secrets (`secret/NAME`) and config maps (`config-map/NAME`) whose keys become variables.
    pub env_from: Option<Located<List>>,
    /// `[deploy.env]`: variables of the container.
    pub env: Option<Located<BTreeMap<String, String>>>,
    /// `[deploy.migrate]`.
    pub migrate: MigrateSection,
    /// `[deploy.probes]`.
    pub probes: ProbesSection,
    /// `[deploy.resources]`.
    pub resources: ResourcesSection,
}

/// What has to end well before a rollout.
#[derive(Clone, Debug, Default)]
pub struct MigrateSection {
    /// `command`: a list, or a line for a shell.
    pub command: Option<Located<CommandLine>>,
    /// `timeout`: how long it may take.
    pub timeout: Option<Located<Seconds>>,
}

/// Paths that tell how the container is; without one, the port is tried.
#[derive(Clone, Debug, Default)]
pub struct ProbesSection {
    /// `ready`: answers when the pod may get requests.
    pub ready: Option<Located<String>>,
    /// `live`: answers while the process works; also the start-up probe.
    pub live: Option<Located<String>>,
}

/// What the container gets, in Kubernetes' quantities.
#[derive(Clone, Debug, Default)]
pub struct ResourcesSection {
    /// `cpu`: what it asks for.
    pub cpu: Option<Located<String>>,
    /// `memory`: what it asks for and may not exceed.
    pub memory: Option<Located<String>>,
}

impl DeploySection {
    pub(super) fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let deploy = Self {
            name: section.value("name")?,
            namespace: section.value("namespace")?,
            replicas: section.value("replicas")?,
            port: section.value("port")?,
            service: section.value("service")?,
            manifests: section.value("manifests")?,
            container: section.value("container")?,
            context: section.value("context")?,
            timeout: section.value("timeout")?,
            create_namespace: section.value("create-namespace")?,
            report: section.value("report")?,
            prune: section.value("prune")?,
            wait_for_lock: section.value("wait-for-lock")?,
            rollback: section.value("rollback")?,
            pull_secret: section.value("pull-secret")?,
            env_from: section.value("env-from")?,
            env: section.value("env")?,
            migrate: MigrateSection::read(section.section("migrate")?)?,
            probes: ProbesSection::read(section.section("probes")?)?,
            resources: ResourcesSection::read(section.section("resources")?)?,
        };
        section.finish()?;
        Ok(deploy)
    }
}

impl MigrateSection {
    fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let migrate =
            Self { command: section.value("command")?, timeout: section.value("timeout")? };
        section.finish()?;
        Ok(migrate)
    }
}

impl ProbesSection {
    fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let probes = Self { ready: section.value("ready")?, live: section.value("live")? };
        section.finish()?;
        Ok(probes)
    }
}

impl ResourcesSection {
    fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let resources = Self { cpu: section.value("cpu")?, memory: section.value("memory")? };
        section.finish()?;
        Ok(resources)
    }
}
