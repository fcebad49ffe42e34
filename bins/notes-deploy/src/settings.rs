//! What a command does: flag over environment over notes.toml over default.

mod migrate;

pub(crate) use self::migrate::MigrateSettings;

use std::{collections::BTreeMap, num::NonZeroU16, path::PathBuf, time::Duration};

use notes_console::{
    Failure, Kind, Session, Variable, environment,
    settings::{Candidates, List, Located, NotesFile, Seconds, Setting, Switch, Table},
};
use notes_k8s_deploy::{
    Cluster,
    deploy::Leftovers,
    kubeconfig::{self, Access, Sources},
    lock,
    render::{App, EnvSource, EnvValue, Probe, Probes, Resources},
};
use notes_oci::Reference;

use crate::{
    cli::{AppArguments, DeployArguments},
    failure,
    project::settings_file,
};

/// Which application, in which cluster.
#[derive(Debug)]
pub(crate) struct AppSettings {
    pub(crate) image: Setting<Option<String>>,
    pub(crate) name: Setting<String>,
    pub(crate) namespace: Setting<String>,
    pub(crate) service: Setting<String>,
    pub(crate) context: Setting<Option<String>>,
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) prune: Setting<Switch>,
    pub(crate) notes: NotesFile,
}

impl AppSettings {
    /// Resolves what every command needs.
    pub(crate) fn resolve(session: &Session, arguments: &AppArguments) -> Result<Self, Failure> {
        Self::with(session, arguments, None, None)
    }

    pub(crate) fn with(
        session: &Session,
        arguments: &AppArguments,
        image: Option<&str>,
        service: Option<&str>,
    ) -> Result<Self, Failure> {
        let notes = settings_file(session, arguments)?;
        let reader = Reader { session };
        // `-` and a pinned image name the image of this run, not what the application is called.
        let image = image.filter(|image| *image != "-").map(Into::into);
        let image = reader
            .text("image", "--image", image, environment::NOTES_IMAGE, notes.image.as_ref())?
            .optional();
        let deploy = &notes.deploy;
        let derived = image.value.as_deref().and_then(last_part);
        let name = reader
            .text(
                "deploy.name",
                "--name",
                arguments.name.clone(),
                environment::NOTES_DEPLOY_NAME,
                deploy.name.as_ref(),
            )?
            .derived("the image's name", derived)
            .optional();
        let name = name.try_map(|name| name.ok_or_else(no_name))?;
        let namespace = reader
            .text(
                "deploy.namespace",
                "--namespace",
                arguments.namespace.clone(),
                environment::NOTES_DEPLOY_NAMESPACE,
                deploy.namespace.as_ref(),
            )?
            .derived("deploy.name", Some(name.value.clone()))
            .or(String::new());
        let service = reader
            .text(
                "deploy.service",
                "--service",
                service.map(Into::into),
                environment::NOTES_DEPLOY_SERVICE,
                deploy.service.as_ref(),
            )?
            .derived("deploy.name", Some(name.value.clone()))
            .or(String::new());
        let context = reader
            .text(
                "deploy.context",
                "--context",
                arguments.context.clone(),
                environment::NOTES_DEPLOY_CONTEXT,
                deploy.context.as_ref(),
            )?
            .derived(
                "KUBE_CONTEXT",
                session.environment.value(environment::KUBE_CONTEXT).map(Into::into),
            )
            .optional();
        let prune = Candidates::new("deploy.prune")
            .environment(&session.environment, environment::NOTES_DEPLOY_PRUNE)
            .map_err(failure::variable)?
            .file(deploy.prune.clone())
            .or(Switch::Auto);
        for setting in [&name, &namespace, &service] {
            object_name(setting)?;
        }
        let kubeconfig = arguments.kubeconfig.as_ref().map(|path| session.current.join(path));
        Ok(Self { image, name, namespace, service, context, kubeconfig, prune, notes })
    }

    /// Returns what happens to objects that a release no longer has.
    pub(crate) fn leftovers(&self) -> Leftovers {
        match self.prune.value {
            Switch::Never => Leftovers::Keep,
            Switch::Auto | Switch::Always => Leftovers::Remove,
        }
    }

    /// Returns how long another deploy is waited for; `wait` is the flag.
    pub(crate) fn lock(
        &self,
        session: &Session,
        wait: Option<Seconds>,
    ) -> Result<Setting<Seconds>, Failure> {
        Ok(Candidates::new("deploy.wait-for-lock")
            .flag("--wait-for-lock", wait)
            .environment(&session.environment, environment::NOTES_DEPLOY_WAIT_FOR_LOCK)
            .map_err(failure::variable)?
            .file(self.notes.deploy.wait_for_lock.clone())
            .or(Seconds(lock::Options::default().wait.as_secs())))
    }

    /// Finds the way into the cluster. Nobody is asked yet.
    pub(crate) async fn access(&self) -> Result<Access, Failure> {
        let sources = Sources {
            flag: self.kubeconfig.clone(),
            context: self.context.value.clone(),
            ..Sources::from_env()
        };
        kubeconfig::load(&sources).await.map_err(failure::kubeconfig)
    }

    /// Connects to the cluster, and says how it was found.
    pub(crate) async fn connect(&self, session: &Session) -> Result<Cluster, Failure> {
        let access = self.access().await?;
        for notice in &access.notices {
            session.ui.warning(notice);
        }
        let context = access.context.as_deref().map(|name| format!(", context {name}"));
        session.ui.step(
            "Cluster",
            format_args!("{} from {}{}", access.server(), access.form, context.unwrap_or_default()),
        );
        Cluster::connect(access).map_err(failure::request)
    }
}

/// What is deployed, and how.
#[derive(Debug)]
pub(crate) struct DeploySettings {
    pub(crate) app: AppSettings,
    pub(crate) manifests: Setting<Option<String>>,
    pub(crate) container: Setting<Option<String>>,
    pub(crate) timeout: Setting<Option<Seconds>>,
    pub(crate) create_namespace: Setting<Switch>,
    pub(crate) report: Setting<Option<String>>,
    pub(crate) rollback: Setting<Switch>,
    pub(crate) wait_for_lock: Setting<Seconds>,
    pub(crate) migrate: MigrateSettings,
    pub(crate) mirrors: Setting<List>,
    pub(crate) insecure: Setting<List>,
    pub(crate) rendered: App,
    replicas: Setting<u32>,
    port: Setting<u16>,
}

impl DeploySettings {
    /// Resolves what a deploy needs.
    pub(crate) fn resolve(session: &Session, arguments: &DeployArguments) -> Result<Self, Failure> {
        let app = AppSettings::with(
            session,
            &arguments.app,
            arguments.image.as_deref(),
            arguments.service.as_deref(),
        )?;
        let reader = Reader { session };
        let (deploy, registry) = (&app.notes.deploy, &app.notes.registry);
        let manifests = reader
            .text(
                "deploy.manifests",
                "--manifests",
                arguments
                    .manifests
                    .as_ref()
                    .map(|path| session.current.join(path).display().to_string()),
                environment::NOTES_DEPLOY_MANIFESTS,
                deploy.manifests.as_ref().map(|located| beside(&app.notes, located)).as_ref(),
            )?
            .optional();
        let container = Candidates::new("deploy.container")
            .flag("--container", arguments.container.clone())
            .file(deploy.container.clone())
            .optional();
        let timeout = Candidates::new("deploy.timeout")
            .flag("--timeout", arguments.timeout)
            .environment(&session.environment, environment::NOTES_DEPLOY_TIMEOUT)
            .map_err(failure::variable)?
            .file(deploy.timeout.clone())
            .optional();
        let report = report(session, arguments, &app)?;
        let migrate = MigrateSettings::resolve(session, arguments, &app)?;
        let create_namespace = Candidates::new("deploy.create-namespace")
            .environment(&session.environment, environment::NOTES_DEPLOY_CREATE_NAMESPACE)
            .map_err(failure::variable)?
            .file(deploy.create_namespace.clone())
            .or(Switch::Auto);
        let rollback = Candidates::new("deploy.rollback")
            .flag("--rollback", arguments.rollback)
            .environment(&session.environment, environment::NOTES_DEPLOY_ROLLBACK)
            .map_err(failure::variable)?
            .file(deploy.rollback.clone())
            .or(Switch::Auto);
        let wait_for_lock = app.lock(session, arguments.wait_for_lock)?;
        let replicas = Candidates::new("deploy.replicas")
            .flag("--replicas", arguments.replicas)
            .environment(&session.environment, environment::NOTES_DEPLOY_REPLICAS)
            .map_err(failure::variable)?
            .file(deploy.replicas.clone())
            .or(2);
        let port = Candidates::new("deploy.port")
            .flag("--port", arguments.port)
            .environment(&session.environment, environment::NOTES_DEPLOY_PORT)
            .map_err(failure::variable)?
            .file(deploy.port.clone())
            .or(8000);
        let list = |key, flag, given: &[String], variable, file: &Option<Located<List>>| {
            let given = (!given.is_empty()).then(|| List(given.to_vec()));
            let candidates =
                Candidates::new(key).flag(flag, given).environment(&session.environment, variable);
            candidates.map_err(failure::variable).map(|c| c.file(file.clone()).or(List::default()))
        };
        let mirrors = list(
            "registry.mirrors",
            "--mirror",
            &arguments.mirrors,
            environment::NOTES_MIRRORS,
            &registry.mirrors,
        )?;
        let insecure = list(
            "registry.insecure",
            "--insecure-registry",
            &arguments.insecure,
            environment::NOTES_INSECURE_REGISTRIES,
            &registry.insecure,
        )?;
        let rendered = rendered(&app, replicas.value, port.value)?;
        Ok(Self {
            app,
            manifests,
            container,
            timeout,
            create_namespace,
            report,
            rollback,
            wait_for_lock,
            migrate,
            mirrors,
            insecure,
            rendered,
            replicas,
            port,
        })
    }

    /// Returns how long the rollout may take, where somebody said so.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout.value.map(Seconds::duration)
    }

    /// Tells whether a release that fails is rolled back.
    pub(crate) fn rolls_back(&self, session: &Session) -> bool {
        match self.rollback.value {
            Switch::Always => true,
            Switch::Never => false,
            // A person at a terminal wants to look at what failed; a pipeline has nobody to do so.
            Switch::Auto => session.environment.value(environment::CI).is_some(),
        }
    }

    /// Returns the rows of `config show`.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::default();
        table.add_optional(&self.app.image);
        table.add(&self.app.name);
        table.add(&self.app.namespace);
        table.add(&self.replicas);
        table.add(&self.port);
        table.add(&self.app.service);
        table.add_optional(&self.manifests);
        table.add_optional(&self.container);
        table.add_optional(&self.app.context);
        table.add_optional(&self.timeout);
        table.add(&self.create_namespace);
        table.add_optional(&self.report);
        table.add(&self.app.prune);
        table.add(&self.rollback);
        table.add(&self.wait_for_lock);
        self.migrate.add_to(&mut table);
        table.add(&self.mirrors);
        table.add(&self.insecure);
        table
    }
}

/// Reads settings that are texts.
struct Reader<'a> {
    session: &'a Session,
}

impl Reader<'_> {
    fn text(
        &self,
        key: &'static str,
        flag: &'static str,
        given: Option<String>,
        variable: Variable,
        file: Option<&Located<String>>,
    ) -> Result<Candidates<String>, Failure> {
        Candidates::new(key)
            .flag(flag, given)
            .environment(&self.session.environment, variable)
            .map_err(failure::variable)
            .map(|candidates| candidates.file(file.cloned()))
    }
}

/// Resolves the directory of the report.
fn report(
    session: &Session,
    arguments: &DeployArguments,
    app: &AppSettings,
) -> Result<Setting<Option<String>>, Failure> {
    let flag = arguments.report.as_ref();
    let file = app.notes.deploy.report.as_ref();
    let candidates = Reader { session }.text(
        "deploy.report",
        "--report",
        flag.map(|path| session.current.join(path).display().to_string()),
        environment::NOTES_DEPLOY_REPORT,
        file.map(|located| beside(&app.notes, located)).as_ref(),
    )?;
    Ok(candidates.optional())
}

/// A path in the settings file is relative to the file.
fn beside(notes: &NotesFile, path: &Located<String>) -> Located<String> {
    let directory = notes.directory.clone().unwrap_or_default();
    path.clone().map(|path| directory.join(path).display().to_string())
}

fn last_part(image: &str) -> Option<String> {
    let reference: Reference = image.parse().ok()?;
    reference.repository.as_str().rsplit('/').next().map(Into::into)
}

/// Checks a name as Kubernetes does for namespaces, containers and Services (RFC 1123, "DNS label").
fn object_name(setting: &Setting<String>) -> Result<(), Failure> {
    let Setting { key, value, origin } = setting;
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    let is_name = bytes.iter().copied().all(is_inside)
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.len() <= 63;
    if is_name {
        return Ok(());
    }
    let message = format!("`{key}` is `{value}` ({origin}), which Kubernetes takes for no name");
    Err(Failure::message(Kind::Configuration, message).with_hint(
        "lower-case letters and digits, with `-` between them, 63 at most; set `name` or `namespace` under `[deploy]`",
    ))
}

fn no_name() -> Failure {
    Failure::message(Kind::Configuration, "the application has no name")
        .with_hint("set `name` under `[deploy]` in notes.toml, `--name` or `NOTES_DEPLOY_NAME`")
}

/// Returns what is rendered where there are no manifests.
fn rendered(settings: &AppSettings, replicas: u32, port: u16) -> Result<App, Failure> {
    let configuration = |message: String| Failure::message(Kind::Configuration, message);
    let port = NonZeroU16::new(port).ok_or_else(|| configuration("the port cannot be 0".into()))?;
    let deploy = &settings.notes.deploy;
    let mut app = App::new(settings.name.value.clone(), settings.namespace.value.clone(), port);
    app.service.clone_from(&settings.service.value);
    app.replicas = u16::try_from(replicas).map_err(|_| {
        configuration(format!("{replicas} replicas are more than a Deployment should have"))
    })?;
    app.env = environment_of(deploy.env.as_ref());
    app.env_from = match &deploy.env_from {
        None => Vec::new(),
        Some(located) => {
            located.value.0.iter().map(|text| source(text)).collect::<Result<_, _>>()?
        }
    };
    app.image_pull_secrets =
        deploy.pull_secret.iter().map(|located| located.value.clone()).collect();
    let probe = |path: &Option<Located<String>>| {
        path.as_ref().map_or(Probe::Tcp, |located| Probe::Http(located.value.clone()))
    };
    app.probes = Probes {
        liveness: probe(&deploy.probes.live),
        readiness: probe(&deploy.probes.ready),
        ..Probes::default()
    };
    let default = Resources::default();
    app.resources = Resources {
        cpu: deploy.resources.cpu.as_ref().map_or(default.cpu, |located| located.value.clone()),
        memory: deploy.resources.memory.as_ref().map_or(default.memory, |l| l.value.clone()),
        memory_limit: deploy
            .resources
            .memory
            .as_ref()
            .map_or(default.memory_limit, |l| l.value.clone()),
    };
    Ok(app)
}

/// A value `secret/NAME/KEY` or `config-map/NAME/KEY` is read from there; any other is the text itself.
fn environment_of(
    section: Option<&Located<BTreeMap<String, String>>>,
) -> BTreeMap<String, EnvValue> {
    let value = |text: &str| match text.split('/').collect::<Vec<_>>().as_slice() {
        ["secret", name, key] => EnvValue::Secret { name: (*name).into(), key: (*key).into() },
        ["config-map", name, key] => {
            EnvValue::ConfigMap { name: (*name).into(), key: (*key).into() }
        }
        _ => EnvValue::Text(text.into()),
    };
    let pairs = section.iter().flat_map(|located| &located.value);
    pairs.map(|(name, text)| (name.clone(), value(text))).collect()
}

fn source(text: &str) -> Result<EnvSource, Failure> {
    match text.split_once('/') {
        Some(("secret", name)) => Ok(EnvSource::Secret(name.into())),
        Some(("config-map", name)) => Ok(EnvSource::ConfigMap(name.into())),
        _ => {
            let message =
                format!("`{text}` in `deploy.env-from` names neither a Secret nor a config map");
            Err(Failure::message(Kind::Configuration, message)
                .with_hint("write `secret/NAME` or `config-map/NAME`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use notes_console::settings::Place;

    use super::*;

    #[test]
    fn values_may_come_from_secrets() {
        let place = Place { file: "notes.toml".into(), line: 1 };
        let value = BTreeMap::from([
            ("KEY".to_owned(), "secret/app/key".to_owned()),
            ("URL".to_owned(), "https://x/y".to_owned()),
        ]);
        let environment = environment_of(Some(&Located { value, place }));
        assert_eq!(environment["KEY"], EnvValue::Secret { name: "app".into(), key: "key".into() });
        assert_eq!(environment["URL"], EnvValue::Text("https://x/y".into()));
        assert!(source("app").is_err());
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let check = |value: &str| {
            let setting = Candidates::new("deploy.name").or(value.to_owned());
            object_name(&setting).map_err(|failure| failure.to_string())
        };
        for name in ["web", "a-1", "1a"] {
            assert_eq!(check(name), Ok(()));
        }
        for name in ["", "Web", "my_app", "-a", "a-", "a.b", &"a".repeat(64)] {
            assert!(check(name).is_err(), "{name}");
        }
        assert_eq!(
            check("my_app").unwrap_err(),
            "`deploy.name` is `my_app` (default), which Kubernetes takes for no name"
        );
    }

    #[test]
    fn an_application_is_called_as_its_image() {
        assert_eq!(last_part("docker.io/user/notes-app:1").unwrap(), "notes-app");
    }
}
