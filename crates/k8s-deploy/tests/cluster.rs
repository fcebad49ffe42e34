//! Against a real API server: set `NOTES_TEST_KUBECONFIG` to the path of a kubeconfig.
//!
//! What needs no pods to run, so that a control plane without nodes is enough.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::Namespace,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use notes_k8s_deploy::{
    Cluster, Manifest, ObjectId, Provenance, Release, Reporter, Silent, Verdict,
    apply::{self, Change, Conflicts, Namespaces, Reason, apply},
    deploy::{self, deploy},
    diagnosis::Cause,
    kubeconfig::{self, Sources},
    manifest,
    record::{History, State},
    release,
    rollout::{self, Outcome},
    status::status,
};
use notes_oci::{Digest, Pinned};
use serde_json::json;

/// A namespace of its own for a test, deleted when it is dropped, however the test ends.
struct Place {
    cluster: Cluster,
    client: kube::Client,
    namespace: String,
    kubeconfig: PathBuf,
    /// A kind that the test brings, which is in no namespace.
    definition: Option<String>,
}

impl Place {
    /// Connects, or says that the test is skipped.
    async fn find(test: &str) -> Option<Self> {
        let Some(path) = std::env::var_os("NOTES_TEST_KUBECONFIG") else {
            // Past the test harness, which would keep the output of a test that passes to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: NOTES_TEST_KUBECONFIG is not set");
            return None;
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sources = Sources { flag: Some(path.clone().into()), ..Sources::default() };
        let access = kubeconfig::load(&sources).await.unwrap();
        let (kubeconfig, definition) = (PathBuf::from(path), None);
        let client = connect(&kubeconfig).await;
        // One process runs each test once, so that the name is its own; a label has an end, in which it differs.
        let name = format!("{}-{}", test.replace('_', "-"), std::process::id());
        let namespace = name[name.len().saturating_sub(60)..].trim_start_matches('-').to_owned();
        let cluster = Cluster::connect(access).unwrap();
        Some(Self { cluster, client, namespace, kubeconfig, definition })
    }

    fn release(&self, commit: &str, text: &str) -> Release {
        let manifests: Vec<Manifest> = manifest::parse("web.yaml", text).unwrap();
        let provenance = Provenance {
            commit: commit.into(),
            short: commit[..7].into(),
            subject: Some(format!("Commit {commit}")),
            by: Some("ada".into()),
            pipeline: None,
            at: Timestamp::now(),
        };
        let options = release::Options {
            app: "web".into(),
            namespace: self.namespace.clone(),
            containers: vec![],
            provenance,
        };
        Release::prepare(manifests, image(commit), options).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (kubeconfig, namespace) = (self.kubeconfig.clone(), self.namespace.clone());
        let definition = self.definition.take();
        // The runtime of a test that panics does no work any more.
        let deleting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let client = connect(&kubeconfig).await;
                let namespaces: Api<Namespace> = Api::all(client.clone());
                let _ = namespaces.delete(&namespace, &DeleteParams::default()).await;
                if let Some(definition) = definition {
                    let definitions: Api<CustomResourceDefinition> = Api::all(client);
                    let _ = definitions.delete(&definition, &DeleteParams::default()).await;
                }
            });
        });
        let _ = deleting.join();
    }
}

async fn connect(kubeconfig: &Path) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

fn image(commit: &str) -> Pinned {
    format!("user/app@{}", Digest::of(commit)).parse().unwrap()
}

/// A Deployment of this many pods, and its Service.
fn web(replicas: u32) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: web, image: user/app}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
"
    )
}

/// Remembers what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Reporter for Heard {
    fn applied(&self, object: &ObjectId, change: Change) {
        self.0.lock().unwrap().push(format!("{object} {change}"));
    }

    fn judged(&self, object: &ObjectId, verdict: &Verdict) {
        if verdict.is_complete() {
            self.0.lock().unwrap().push(format!("{object} complete"));
        }
    }
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn applied(
    place: &Place,
    release: &Release,
    options: &apply::Options,
) -> Result<Vec<Change>, apply::Error> {
    let applied = apply(&place.cluster, release, options, &Silent).await?;
    Ok(applied.into_iter().map(|applied| applied.change).collect())
}

#[tokio::test]
async fn what_applying_changes_is_told() {
    let Some(place) = Place::find("what_applying_changes_is_told").await else { return };
    let heard = Heard::default();
    let options = deploy::Options::default();
    let first = place.release("aaaaaaaa", &web(0));
    let done = deploy(&place.cluster, &first, &options, &heard).await.unwrap();
    assert!(matches!(done.outcome, Outcome::Complete));
    let namespace = &place.namespace;
    assert_eq!(
        heard.take(),
        [
            format!("namespace/{namespace} created"),
            "service/web created".into(),
            "deployment/web created".into(),
            "deployment/web complete".into(),
        ]
    );
    let again = deploy(&place.cluster, &first, &options, &heard).await.unwrap();
    assert!(again.is_unchanged());
    assert_eq!(heard.take(), ["service/web unchanged", "deployment/web unchanged"]);
    let second = place.release("bbbbbbbb", &web(0));
    let done = deploy(&place.cluster, &second, &options, &heard).await.unwrap();
    assert!(matches!(done.outcome, Outcome::Complete));
    assert_eq!(
        heard.take(),
        ["service/web unchanged", "deployment/web configured", "deployment/web complete"]
    );
}

#[tokio::test]
async fn a_release_can_be_gone_back_to() {
    let Some(place) = Place::find("a_release_can_be_gone_back_to").await else { return };
    let options = deploy::Options::default();
    for commit in ["aaaaaaaa", "bbbbbbbb"] {
        let release = place.release(commit, &web(0));
        let _ = deploy(&place.cluster, &release, &options, &Silent).await.unwrap();
    }
    let history = History::read(&place.cluster, &place.namespace, "web").await.unwrap();
    let states: Vec<_> =
        history.records().iter().map(|r| (r.provenance.short.as_str(), &r.state)).collect();
    assert_eq!(states, [("bbbbbbb", &State::Deployed), ("aaaaaaa", &State::Deployed)]);
    let mut release = history.choose("web", None).unwrap().release().unwrap();
    assert_eq!(release.image, image("aaaaaaaa"));
    release.provenance.at = Timestamp::now();
    let back = deploy(&place.cluster, &release, &options, &Silent).await.unwrap();
    assert!(matches!(back.outcome, Outcome::Complete));
    let now = status(&place.cluster, &place.namespace, "web").await.unwrap();
    assert_eq!(now.record.unwrap().provenance.short, "aaaaaaa");
    let deployment = now.rows.iter().find(|row| row.id.kind == "Deployment").unwrap();
    let live = deployment.live.as_ref().unwrap();
    let running = live.text("/spec/template/spec/containers/0/image");
    assert_eq!(running, Some(image("aaaaaaaa").to_string().as_str()));
    assert_eq!(live.annotation("kubernetes.io/change-cause"), Some("aaaaaaa Commit aaaaaaaa"));
}

#[tokio::test]
async fn refusals_name_the_object_and_the_reason() {
    let Some(place) = Place::find("refusals_name_the_object_and_the_reason").await else { return };
    let options = apply::Options::default();
    let typo = web(0).replace("replicas:", "replcas:");
    let error = applied(&place, &place.release("aaaaaaaa", &typo), &options).await.unwrap_err();
    assert!(matches!(error, apply::Error::Rejected { reason: Reason::Schema, .. }), "{error:?}");
    assert!(error.to_string().starts_with("web.yaml:2: deployment/web was rejected:"), "{error}");
    assert!(error.to_string().contains(".spec.replcas"), "{error}");

    applied(&place, &place.release("aaaaaaaa", &web(0)), &options).await.unwrap();
    let moved = web(0).replace("app: web", "app: other");
    let error = applied(&place, &place.release("aaaaaaaa", &moved), &options).await.unwrap_err();
    assert!(matches!(error, apply::Error::Rejected { reason: Reason::Immutable, .. }), "{error:?}");

    let kind = format!(
        "{}---\napiVersion: example.com/v1\nkind: Databse\nmetadata: {{name: d}}\n",
        web(0)
    );
    let error = applied(&place, &place.release("aaaaaaaa", &kind), &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web.yaml:18: the cluster has no kind `Databse` in `example.com/v1`"
    );
}

#[tokio::test]
async fn fields_of_others_are_a_conflict_until_they_are_taken_over() {
    let test = "fields_of_others_are_a_conflict_until_they_are_taken_over";
    let Some(place) = Place::find(test).await else { return };
    let options = apply::Options::default();
    applied(&place, &place.release("aaaaaaaa", &web(0)), &options).await.unwrap();
    let api: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(place.client.clone(), &place.namespace);
    let edit = Patch::Merge(json!({"spec": {"replicas": 1}}));
    let params =
        PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
    api.patch("web", &params, &edit).await.unwrap();
    let error = applied(&place, &place.release("aaaaaaaa", &web(0)), &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web.yaml:2: deployment/web has fields that others own: \
         `.spec.replicas` belongs to \"kubectl-edit\" using apps/v1"
    );
    let force = apply::Options { conflicts: Conflicts::Force, ..options };
    let changes = applied(&place, &place.release("aaaaaaaa", &web(0)), &force).await.unwrap();
    assert_eq!(changes.last(), Some(&Change::Configured));
}

#[tokio::test]
async fn pods_that_a_quota_forbids_are_explained() {
    let Some(place) = Place::find("pods_that_a_quota_forbids_are_explained").await else { return };
    let quota = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: 0}}\n";
    let release = place.release("aaaaaaaa", &format!("{}{quota}", web(2)));
    let done =
        deploy(&place.cluster, &release, &deploy::Options::default(), &Silent).await.unwrap();
    let Outcome::Failed { diagnoses } = done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(diagnoses[0].cause, Cause::QuotaExceeded);
    assert!(diagnoses[0].evidence[0].contains("exceeded quota: none"), "{diagnoses:?}");
    let history = History::read(&place.cluster, &place.namespace, "web").await.unwrap();
    assert_eq!(
        history.newest().unwrap().state,
        State::Failed("the namespace's quota is used up".into())
    );
}

#[tokio::test]
async fn a_paused_deployment_and_a_missing_account_are_explained() {
    let Some(place) = Place::find("a_paused_deployment_and_a_missing_account_are_explained").await
    else {
        return;
    };
    let paused = web(1).replace("  replicas: 1", "  replicas: 1\n  paused: true");
    let release = place.release("aaaaaaaa", &paused);
    let done =
        deploy(&place.cluster, &release, &deploy::Options::default(), &Silent).await.unwrap();
    let Outcome::Failed { diagnoses } = done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(diagnoses[0].cause, Cause::Paused);
    let account = web(1).replace("    spec:\n", "    spec:\n      serviceAccountName: nobody\n");
    let release = place.release("bbbbbbbb", &account);
    let done =
        deploy(&place.cluster, &release, &deploy::Options::default(), &Silent).await.unwrap();
    let Outcome::Failed { diagnoses } = done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(diagnoses[0].cause, Cause::ServiceAccountMissing);
}

#[tokio::test]
async fn a_kind_and_its_objects_may_come_in_one_release() {
    let test = "a_kind_and_its_objects_may_come_in_one_release";
    let Some(mut place) = Place::find(test).await else { return };
    let group = format!("g{}.example.com", std::process::id());
    place.definition = Some(format!("databases.{group}"));
    let manifests = format!(
        "
apiVersion: {group}/v1
kind: Database
metadata: {{name: main}}
spec: {{size: 1, unknown: null}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: databases.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: databases, singular: database, kind: Database, listKind: DatabaseList}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
{}",
        web(0)
    );
    let options = apply::Options::default();
    let changes = applied(&place, &place.release("aaaaaaaa", &manifests), &options).await.unwrap();
    assert_eq!(changes, vec![Change::Created; 5]);
}

#[tokio::test]
async fn a_namespace_can_be_required() {
    let Some(place) = Place::find("a_namespace_can_be_required").await else { return };
    let options = apply::Options { namespaces: Namespaces::Require, ..apply::Options::default() };
    let error = applied(&place, &place.release("aaaaaaaa", &web(0)), &options).await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no namespace `{}`", place.namespace));
}

#[tokio::test]
async fn time_runs_out_with_what_is_waited_for() {
    let Some(place) = Place::find("time_runs_out_with_what_is_waited_for").await else { return };
    let rollout =
        rollout::Options { timeout: Some(Duration::from_secs(1)), ..rollout::Options::default() };
    // No registry has this name, and without a node not even that is tried.
    let text = web(1).replace("user/app", "IMAGE_PLACEHOLDER");
    let options = deploy::Options { rollout, ..deploy::Options::default() };
    let release = place.release("aaaaaaaa", &text);
    let done = deploy(&place.cluster, &release, &options, &Silent).await.unwrap();
    let Outcome::TimedOut { waiting_for, .. } = done.outcome else { panic!("{:?}", done.outcome) };
    assert_eq!(waiting_for[0].0.to_string(), "deployment/web");
}
