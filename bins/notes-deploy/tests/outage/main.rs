//! What disturbs a whole cluster while something is rolled out: the API server restarts, the node is drained, the node is tainted.
//!
//! A target of its own, since cargo runs targets one after the other: no other test's pods are on the node meanwhile.

#[path = "../cli/ground.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod ground;
#[path = "../cli/web.rs"]
mod web;
#[path = "../cli/webhook.rs"]
mod webhook;
#[path = "../cli/world.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod world;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::Child,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Client,
    api::{EvictParams, ListParams, Patch, PatchParams},
};
use notes_testkit::{cluster::Cluster, skip};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::{
    ground::Ground,
    web::Web,
    world::{Ended, Place},
};

/// One outage at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A Deployment whose pods are ready after so many seconds.
fn web(seconds: usize) -> String {
    Web { seconds, ..Web::default() }.to_string()
}

fn begin(ground: &Ground, place: &Place, manifests: &str, more: &[&str]) -> Child {
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let image = ground.image.to_string();
    place.command(&[&["-f", "k8s.yaml", "--image", &image], more].concat()).spawn().unwrap()
}

/// Waits until the rollout is under way: a pod runs.
async fn pod(client: &Client, place: &Place) -> Pod {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &place.namespace);
    loop {
        let list = pods.list(&ListParams::default()).await.unwrap();
        let is_running = |pod: &&Pod| {
            pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
        };
        if let Some(pod) = list.items.iter().find(is_running) {
            return pod.clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Changes the only node until it is dropped.
struct Changed {
    before: Value,
    administrator: PathBuf,
    name: String,
}

impl Changed {
    /// Applies a change to the node; returns nothing where there are several.
    async fn node(client: &Client, spec: Value, before: Value) -> Option<Self> {
        let nodes: Api<Node> = Api::all(client.clone());
        let list = nodes.list(&ListParams::default()).await.unwrap();
        let [node] = list.items.as_slice() else { return None };
        let name = node.metadata.name.clone().unwrap();
        let administrator = Cluster::running().unwrap().kubeconfig;
        let changed = Self { before, administrator, name };
        let patch = Patch::Merge(json!({"spec": spec}));
        nodes.patch(&changed.name, &PatchParams::default(), &patch).await.unwrap();
        Some(changed)
    }
}

impl Drop for Changed {
    /// Also where a test panics, whose runtime does no work any more.
    fn drop(&mut self) {
        let (administrator, name) = (self.administrator.clone(), self.name.clone());
        let patch = json!({"spec": self.before});
        let undoing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let nodes: Api<Node> = Api::all(world::connect(&administrator).await);
                let patch = Patch::Merge(patch);
                let _ = nodes.patch(&name, &PatchParams::default(), &patch).await;
            });
        });
        let _ = undoing.join();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_api_server_is_sat_out() {
    let test = "a_restart_of_the_api_server_is_sat_out";
    let Some(ground) = Ground::prepare(test).await else { return };
    let _turn = TURN.lock().await;
    let place = Place::find(test).await.unwrap();
    let child = begin(&ground, &place, &web(8), &[]);
    pod(&place.client(), &place).await;
    let begun = Instant::now();
    let cluster = Cluster::running().unwrap();
    let restarted =
        tokio::task::spawn_blocking(move || cluster.restart_api_server(&mut |_| {})).await.unwrap();
    if let Err(reason) = restarted {
        let ended = Ended::of(child);
        assert_eq!(ended.code, Some(0), "{ended}");
        skip(test, &reason.to_string());
        return;
    }
    let took = begun.elapsed();
    let ended = tokio::task::spawn_blocking(|| Ended::of(child)).await.unwrap();
    let _ = writeln!(std::io::stdout(), "the API server was away for {:.1} s", took.as_secs_f32());
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("the connection to the API server was lost"), "{ended}");
    assert!(!ended.stderr.contains("no release to go back to"), "it is recorded: {ended}");
    let history = place.run(&["history"]);
    assert!(history.stdout.contains(" deployed "), "{history}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_in_the_middle_is_told_and_waited_for() {
    let test = "a_drain_in_the_middle_is_told_and_waited_for";
    let Some(ground) = Ground::prepare(test).await else { return };
    let _turn = TURN.lock().await;
    let place = Place::find(test).await.unwrap();
    let client = place.client();
    let child = begin(&ground, &place, &web(6), &[]);
    let pod = pod(&client, &place).await;
    let drained =
        Changed::node(&client, json!({"unschedulable": true}), json!({"unschedulable": null}))
            .await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &place.namespace);
    let name = pod.metadata.name.unwrap();
    pods.evict(&name, &EvictParams::default()).await.unwrap();
    let reading = tokio::task::spawn_blocking(|| lines(child));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let has_one_node = drained.is_some();
    drop(drained);
    let (code, lines) = reading.await.unwrap();
    let said = text(&lines);
    assert_eq!(code, Some(0), "{said}");
    if !has_one_node {
        skip(test, "the cluster has more than one node");
        return;
    }
    assert!(said.contains("1 node(s) were unschedulable"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taint_that_keeps_pods_off_is_named() {
    let test = "a_taint_that_keeps_pods_off_is_named";
    let Some(ground) = Ground::prepare(test).await else { return };
    let _turn = TURN.lock().await;
    let place = Place::find(test).await.unwrap();
    let taint = json!({"taints": [{"key": "team", "value": "other", "effect": "NoSchedule"}]});
    let Some(tainted) = Changed::node(&place.client(), taint, json!({"taints": null})).await else {
        skip(test, "the cluster has more than one node");
        return;
    };
    let child = begin(&ground, &place, &web(0), &["--timeout", "10s"]);
    let (code, lines) = tokio::task::spawn_blocking(|| lines(child)).await.unwrap();
    drop(tainted);
    let said = text(&lines);
    let cause = "1 node(s) had untolerated taint(s)";
    let named = lines.iter().find(|(_, line)| line.contains(cause));
    let named = named.map(|(moment, _)| *moment);
    let _ = writeln!(std::io::stdout(), "taint: named after {named:?}");
    assert_eq!(code, Some(70), "{said}");
    assert!(named.is_some_and(|named| named < Duration::from_secs(10)), "{named:?} {said}");
}

/// Reads what is said, and when, and the exit code.
fn lines(mut child: Child) -> (Option<i32>, Vec<(Duration, String)>) {
    let begun = Instant::now();
    let reader = BufReader::new(child.stderr.take().unwrap());
    let lines = reader.lines().map(|line| (begun.elapsed(), line.unwrap())).collect();
    (child.wait().unwrap().code(), lines)
}

fn text(lines: &[(Duration, String)]) -> String {
    lines.iter().flat_map(|(_, line)| [line, "\n"]).collect()
}
