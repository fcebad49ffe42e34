//! A person's surroundings: a directory, an environment of their own, and `notes-deploy`; and a cluster, where one runs.

use std::{
    fmt, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use jiff::Timestamp;
use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{Namespace, ServiceAccount},
};
use kube::{
    Api,
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
    },
};
use notes_k8s_deploy::{Manifest, Object, Provenance, Release, manifest, record::Record, release};
use notes_testkit::{cluster::Cluster, skip};
use tempfile::TempDir;

/// A Deployment of which no pod runs, so that no image is needed.
pub(crate) const WITHOUT_PODS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  minReadySeconds: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: user/app}]
";

/// An image that no registry has; what is deployed is not run where it is used.
pub(crate) const PINNED: &str =
    "docker.io/user/app@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// What the binary said and how it ended.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Waits for the end of a run.
    pub(crate) fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The failure alone, from `error:` on, and the exit code.
    pub(crate) fn failure(&self) -> String {
        assert_eq!(self.stdout, "", "a failure prints no result");
        // A warning before it may quote an error.
        let start = self.stderr.find("\nerror:").map_or(0, |newline| newline + 1);
        format!("{}exit {}", &self.stderr[start..], self.code.unwrap())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}exit {:?}", self.stdout, self.stderr, self.code)
    }
}

/// Returns the binary in `directory`, with nothing in its environment but `variables`.
pub(crate) fn command(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notes-deploy"));
    command.args(arguments).current_dir(directory).env_clear().env("HOME", directory);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(
    directory: &Path,
    variables: &[(&str, &str)],
    arguments: &[&str],
    input: &str,
) -> Ended {
    let mut child = command(directory, variables, arguments).spawn().unwrap();
    // One that does not read its input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended::of(child)
}

/// Returns a directory with a settings file.
pub(crate) fn project() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("notes.toml"),
        "image = \"docker.io/user/app\"\n\n[deploy]\nname = \"web\"\nnamespace = \"apps\"\nport = 8080\n",
    )
    .unwrap();
    directory
}

/// A project, and a namespace for it in the cluster that runs, which is deleted when it is dropped, however the test ends.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) namespace: String,
    kubeconfig: String,
    client: kube::Client,
    /// The kubeconfig of the cluster's administrator, which deletes it.
    administrator: PathBuf,
}

impl Place {
    /// Connects, or says why `test` is skipped.
    pub(crate) async fn find(test: &str) -> Option<Self> {
        let cluster = match Cluster::running() {
            Ok(cluster) => cluster,
            Err(reason) => {
                skip(test, &reason);
                return None;
            }
        };
        // One provider for every TLS connection of this process; the tests share it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // One process runs each test once, so that the name is its own.
        let namespace = format!("{}-{}", test.replace('_', "-"), std::process::id());
        Some(Self {
            directory: project(),
            namespace: namespace[namespace.len().saturating_sub(60)..]
                .trim_start_matches('-')
                .into(),
            kubeconfig: cluster.kubeconfig.display().to_string(),
            client: connect(&cluster.kubeconfig).await,
            administrator: cluster.kubeconfig,
        })
    }

    /// The kubeconfig of who deploys.
    pub(crate) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Signs in with a token instead.
    pub(crate) fn replace_credentials(&mut self, token: &str) {
        let path = Path::new(&self.kubeconfig);
        let mut kubeconfig = kube::config::Kubeconfig::read_from(path).unwrap();
        for named in &mut kubeconfig.auth_infos {
            let token = Some(token.to_owned().into());
            named.auth_info = Some(kube::config::AuthInfo { token, ..Default::default() });
        }
        self.replace_kubeconfig(&serde_json::to_string(&kubeconfig).unwrap());
    }

    /// Has `notes-deploy` go another way to the cluster.
    pub(crate) fn replace_kubeconfig(&mut self, text: &str) {
        let path = self.directory.path().join("kubeconfig");
        fs::write(&path, text).unwrap();
        self.kubeconfig = path.display().to_string();
    }

    /// Returns a token of a service account in the namespace.
    pub(crate) async fn token(&self, account: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let request = TokenRequest::default();
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await;
        answer.unwrap().status.unwrap().token.unwrap()
    }

    /// Returns `notes-deploy` with these arguments, for the cluster and the namespace.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let variables = [
            ("KUBECONFIG", self.kubeconfig.as_str()),
            ("NOTES_DEPLOY_NAMESPACE", self.namespace.as_str()),
        ];
        command(self.directory.path(), &variables, arguments)
    }

    /// Runs `notes-deploy` with these arguments in the cluster and the namespace.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).spawn().unwrap())
    }

    /// Returns an object of the namespace, where there is one.
    pub(crate) async fn object(&self, api_version: &str, kind: &str, name: &str) -> Option<Object> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let found = api.get_opt(name).await.unwrap()?;
        Some(Object::new(serde_json::to_value(&found).unwrap()))
    }

    /// Deletes an object of the namespace.
    pub(crate) async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Writes the record of a release of long ago, whose container uses `user/app`.
    pub(crate) async fn record(&self, commit: &str, manifests: &str) {
        let manifests: Vec<Manifest> = manifest::parse("k8s.yaml", manifests).unwrap();
        let provenance = Provenance {
            commit: commit.into(),
            short: commit[..7].into(),
            subject: None,
            by: None,
            pipeline: None,
            at: Timestamp::UNIX_EPOCH,
        };
        let options = release::Options {
            app: "web".into(),
            namespace: self.namespace.clone(),
            containers: vec![],
            provenance,
        };
        let release = Release::prepare(manifests, PINNED.parse().unwrap(), options).unwrap();
        let cluster = notes_k8s_deploy::Cluster::new(self.client(), "the cluster");
        Record::begin(&release).write(&cluster).await.unwrap();
    }

    /// Returns a client for the cluster.
    pub(crate) fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Tells whether anything was made: nothing is without its namespace.
    pub(crate) async fn is_untouched(&self) -> bool {
        let api: Api<Namespace> = Api::all(self.client.clone());
        api.get_opt(&self.namespace).await.unwrap().is_none()
    }

    /// Applies objects, as another job would.
    pub(crate) async fn apply(&self, text: &str) {
        for manifest in notes_k8s_deploy::manifest::parse("later.yaml", text).unwrap() {
            let object = serde_json::to_value(&manifest.object).unwrap();
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            let types = object.types.as_ref().unwrap();
            let resource = ApiResource::from_gvk(&types.try_into().unwrap());
            let api: Api<DynamicObject> = if is_cluster_wide(&resource) {
                Api::all_with(self.client.clone(), &resource)
            } else {
                Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
            };
            let name = object.metadata.name.clone().unwrap();
            let params = PatchParams::apply("another-job").force();
            api.patch(&name, &params, &Patch::Apply(&object)).await.unwrap();
        }
    }
}

/// Kinds without a namespace that tests make objects of; such an object is called as the namespace of its test.
const CLUSTER_WIDE: [(&str, &str, &str); 3] = [
    ("", "v1", "Namespace"),
    ("", "v1", "PersistentVolume"),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"),
];

fn is_cluster_wide(resource: &ApiResource) -> bool {
    CLUSTER_WIDE.iter().any(|(_, _, kind)| resource.kind == *kind)
}

impl Drop for Place {
    fn drop(&mut self) {
        let (administrator, namespace) = (self.administrator.clone(), self.namespace.clone());
        // The runtime of a test that panics does no work any more.
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let client = connect(&administrator).await;
                let namespaces: Api<Namespace> = Api::all(client.clone());
                let _ = namespaces.delete(&namespace, &DeleteParams::default()).await;
                for (group, version, kind) in CLUSTER_WIDE {
                    let resource =
                        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
                    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
                    let _ = api.delete(&namespace, &DeleteParams::default()).await;
                }
            });
        });
        let _ = deleting.join();
    }
}

/// Connects as a kubeconfig says.
pub(crate) async fn connect(kubeconfig: &Path) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}
