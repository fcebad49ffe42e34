//! A release that stood goes on serving while the next one fails and is rolled back: somebody asks through its Service, by way of
//! the node's kube-proxy, and every answer counts.
//!
//! Each folder of `tests/faults` is such a next release. The ordinary run takes some of them; with `NOTES_TEST_LONG` it is all.

use std::{
    fmt::Write as _, fs, io::Write as _, net::SocketAddr, path::Path, sync::Arc, time::Duration,
};

use notes_k8s_deploy::{Object, manifest, render::to_yaml};
use notes_oci::Pinned;
use notes_testkit::{Chance, Length, skip};
use serde_json::json;

use crate::{
    asker::{Answers, Asker},
    ground::{Ground, cases, in_turns},
    world::{Ended, Place},
};

/// How many faults the ordinary run takes.
const SAMPLE: usize = 4;
/// How long a faulty release may take: what it is does not matter here.
const TIMEOUT: &str = "15s";

/// A server that says `good`.
const GOOD: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      volumes: [{name: www, emptyDir: {}}]
      containers:
      - name: web
        image: web
        command: ["sh", "-c", "echo good > /www/index.html; exec httpd -f -p 8080 -h /www"]
        volumeMounts: [{name: www, mountPath: /www}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"#;

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
";

/// What became of a fault.
struct Survived {
    name: String,
    failed: Ended,
    /// None where the machine does not reach Services.
    answers: Option<Answers>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_release_serves_while_the_new_one_fails() {
    let test = "the_old_release_serves_while_the_new_one_fails";
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(other) = ground.another(test, &["sleep", "1"]).await else { return };
    let mut chance = Chance::new(test);
    let mut faults = cases("faults", "NOTES_TEST_FAULT");
    faults.sort();
    while faults.len() > Length::from_env().choose(SAMPLE, usize::MAX) {
        let index = chance.below(faults.len() as u64);
        faults.remove(usize::try_from(index).unwrap());
    }
    let ground = Arc::new(ground);
    let mut all = in_turns(faults, |folder| {
        let (ground, other) = (Arc::clone(&ground), other.clone());
        async move { survive(&ground, &other, &folder).await }
    })
    .await;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut wrong = Vec::new();
    let mut asked = 0;
    for Survived { name, failed, answers } in &all {
        let Some(answers) = answers else {
            skip(test, "Services cannot be reached from this machine");
            return;
        };
        asked += answers.good + answers.bad.len();
        let _ = writeln!(
            std::io::stdout(),
            "{name}: exit {:?}, {} answers, {} errors",
            failed.code.unwrap_or(-1),
            answers.good,
            answers.bad.len()
        );
        if failed.code != Some(9) || !answers.bad.is_empty() || answers.good == 0 {
            wrong.push(format!("{name}: {answers:?}\n{failed}"));
        }
    }
    let _ = writeln!(std::io::stdout(), "{} faults, {asked} questions", all.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn survive(ground: &Ground, other: &Pinned, folder: &Path) -> Survived {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let place = Place::find(&format!("serves-{name}")).await.unwrap();
    let good = deploy(&place, &format!("{GOOD}{SERVICE}"), &ground.image, &[]).await;
    assert_eq!(good.code, Some(0), "{name}: {good}");
    let service = place.object("v1", "Service", "web").await.unwrap();
    let address = service.text("/spec/clusterIP").unwrap().parse().unwrap();
    let asker = Asker::begin(SocketAddr::new(address, 80), "good", Duration::from_secs(10));
    let fault = fs::read_to_string(folder.join("k8s.yaml")).unwrap();
    let fault = faulty(&ground.manifests(&fault, &place));
    let failed = deploy(&place, &fault, other, &["--rollback", "--timeout", TIMEOUT]).await;
    let answers = asker.map(Asker::end);
    Survived { name, failed, answers }
}

async fn deploy(place: &Place, manifests: &str, image: &Pinned, more: &[&str]) -> Ended {
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let image = image.to_string();
    let child =
        place.command(&[&["-f", "k8s.yaml", "--image", &image], more].concat()).spawn().unwrap();
    tokio::task::spawn_blocking(move || Ended::of(child)).await.unwrap()
}

/// Returns a faulty release behind the Service, whose pods say when they are ready: those that do not are ready as soon as they
/// have started, and Kubernetes itself would end the old ones for them.
fn faulty(text: &str) -> String {
    let mut objects: Vec<Object> =
        manifest::parse("k8s.yaml", text).unwrap().into_iter().map(|m| m.object).collect();
    for object in &mut objects {
        let containers = object.as_value_mut().pointer_mut("/spec/template/spec/containers");
        for container in containers.and_then(|list| list.as_array_mut()).into_iter().flatten() {
            if container["readinessProbe"].is_null() {
                let probe = json!({"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1});
                container["readinessProbe"] = probe;
            }
        }
    }
    let mut text = to_yaml(objects.iter());
    let _ = write!(text, "\n{SERVICE}");
    text
}
