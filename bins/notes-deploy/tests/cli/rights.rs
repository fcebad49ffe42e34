//! `notes-deploy rbac` and `doctor`: an account with exactly the rights that are printed can do all of it, and without one of them
//! something fails, which `doctor` says before.

use std::{
    fs,
    time::{Duration, Instant},
};

use notes_k8s_deploy::{Manifest, Object, manifest, render};
use serde_json::Value;

use crate::{
    ground::Ground,
    world::{Place, project, run},
};

/// How long the API server may take until a role that was changed holds.
const PROPAGATION: Duration = Duration::from_secs(20);

#[test]
fn what_a_deploy_needs_is_printed_without_a_cluster() {
    let ended = run(project().path(), &[], &["rbac", "--account", "ci"], "");
    assert_eq!(ended.code, Some(0), "{ended}");
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn a_cluster_that_does_not_answer_is_a_problem() {
    let kubeconfig = "apiVersion: v1\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n\
                      contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: CANARY}}]\n";
    let ended = run(project().path(), &[("KUBECONFIG", kubeconfig)], &["doctor"], "");
    insta::assert_snapshot!(format!("{}{}exit {:?}", ended.stdout, ended.stderr, ended.code), @r"
              ok kubeconfig: http://127.0.0.1:9 from the text in KUBECONFIG, context c
              ok credentials: a token, which names no end
         problem server: failed to ask for the version: http://127.0.0.1:9 cannot be reached: Connection refused (os error 111)
    hint: nothing listens at http://127.0.0.1:9; is it the right cluster, and is it running?
    error: a deploy would fail: 1 problem, 0 warnings
    exit Some(5)
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_looked_at_before_a_deploy() {
    let test = "a_cluster_is_looked_at_before_a_deploy";
    let Some(place) = Place::find(test).await else { return };
    let namespace = &place.namespace;
    place
        .apply(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}\n"
        ))
        .await;
    let good = place.run(&["doctor"]);
    assert_eq!(good.code, Some(0), "{good}");
    for line in [
        "ok credentials: a client certificate, valid until",
        "ok version: Kubernetes v1.",
        "ok certificate: the server's certificate, valid until",
        "ok clock: within 60 s",
        "that a deploy needs",
        "enforces `restricted`, which the pods keep",
    ] {
        assert!(good.stderr.contains(line), "{line}\n{good}");
    }
    let manifests = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  serviceName: web
  template:
    metadata: {labels: {app: web}}
    spec:
      imagePullSecrets: [{name: registry}]
      containers: [{name: web, image: docker.io/user/app}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fastest, resources: {requests: {storage: 1Gi}}}
";
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let bad = place.run(&["doctor", "-f", "k8s.yaml"]);
    assert_eq!(bad.code, Some(3), "{bad}");
    for line in [
        "which forbids statefulset/web: web: allowPrivilegeEscalation is not false",
        "problem pull secret: `registry` is not in",
        "problem storage class: there is no class `fastest`",
        "error: a deploy would fail: 3 problems",
    ] {
        assert!(bad.stderr.contains(line), "{line}\n{bad}");
    }
}

/// A Deployment, and what it needs. New names each time, so that objects are made.
fn manifests(run: usize, replicas: usize) -> String {
    format!(
        "
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings-{run}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web-{run}}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web-{run}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: docker.io/user/app}}]}}
"
    )
}

/// Deploys, looks, and returns all that was said. The image is another one each time, and so is the release.
fn all_commands(place: &Place, number: usize, replicas: usize) -> String {
    fs::write(place.directory.path().join("k8s.yaml"), manifests(number, replicas)).unwrap();
    // A release without a commit is called by the first digits of its image.
    let image = format!("docker.io/user/app@sha256:{:0<64}", format!("{number:07x}"));
    let what = ["-f", "k8s.yaml", "--image", &image];
    let commands = [
        [&["--timeout", "2s"], &what[..]].concat(),
        [&["diff"], &what[..]].concat(),
        vec!["status"],
        vec!["history"],
    ];
    commands.iter().map(|arguments| place.run(arguments).to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_needs_the_rights_that_are_printed_and_no_other() {
    let test = "a_deploy_needs_the_rights_that_are_printed_and_no_other";
    let Some(mut place) = Place::find(test).await else { return };
    fs::write(place.directory.path().join("k8s.yaml"), manifests(0, 0)).unwrap();
    let printed = place.run(&["rbac", "-f", "k8s.yaml"]);
    assert_eq!(printed.code, Some(0), "{printed}");
    place.apply(&printed.stdout).await;
    let token = place.token("notes-deploy").await;
    place.replace_credentials(&token);
    until_doctor_says(&place, |line| line.contains("ok permissions"));

    for number in [1, 2] {
        let said = all_commands(&place, number, 0);
        assert!(!said.contains(" cannot ") && !said.contains("error:"), "{said}");
    }
    let back = place.run(&["rollback"]);
    assert!(back.code == Some(0) && !back.stderr.contains(" cannot "), "{back}");

    let granted = manifest::parse("rbac.yaml", &printed.stdout).unwrap();
    let role = granted.iter().map(|Manifest { object, .. }| object).find(|o| o.kind() == "Role");
    let lesser: Vec<(String, Object)> = without_each(role.unwrap()).collect();
    assert!(lesser.len() >= 8, "{}", printed.stdout);
    for (number, (resource, role)) in lesser.into_iter().enumerate() {
        place.apply(&render::to_yaml([&role])).await;
        let names_it = |need: &str| {
            need.contains(&format!(" {resource} in ")) || need.contains(&format!(" {resource}."))
        };
        until_doctor_says(&place, |line| line.split(", ").all(names_it));
        // That logs are refused only makes a failure poorer; `logs_are_read_with_a_right_of_their_own` shows it.
        if resource != "pods/log" {
            // A pod that gets no image keeps the rollout going for as long as a watch takes to be refused.
            let said = all_commands(&place, 10 + number, 1);
            assert!(said.contains(" cannot "), "without {resource}, nothing fails:\n{said}");
        }
    }
}

/// Returns the role without each of its resources in turn.
fn without_each(role: &Object) -> impl Iterator<Item = (String, Object)> {
    let rules = role.list("/rules").len();
    let all = (0..rules).flat_map(|rule| {
        let resources = role.list(&format!("/rules/{rule}/resources"));
        (0..resources.len()).map(move |at| (rule, at, resources[at].clone()))
    });
    all.map(|(rule, at, resource)| {
        let mut lesser = role.clone();
        let rules = lesser.as_value_mut()["rules"].as_array_mut().unwrap();
        let resources = rules[rule]["resources"].as_array_mut().unwrap();
        resources.remove(at);
        if resources.is_empty() {
            rules.remove(rule);
        }
        let Value::String(resource) = resource else { unreachable!("resources are texts") };
        (resource, lesser)
    })
}

/// Waits until a role that was changed holds: until `is_so` of what is said of permissions.
fn until_doctor_says(place: &Place, is_so: impl Fn(&str) -> bool) {
    let end = Instant::now() + PROPAGATION;
    loop {
        let said = place.run(&["doctor", "-f", "k8s.yaml"]);
        let line = said.stderr.lines().find(|line| line.contains(" permissions: "));
        if line.is_some_and(&is_so) {
            return;
        }
        assert!(Instant::now() < end, "the role does not hold:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_read_with_a_right_of_their_own() {
    let test = "logs_are_read_with_a_right_of_their_own";
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(mut place) = Place::find(test).await else { return };
    let manifests = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: web, command: [sh, -c, \"echo ModuleNotFoundError: No module named WITNESS; exit 1\"]}
";
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let printed = place.run(&["rbac", "-f", "k8s.yaml"]).stdout;
    place.apply(&printed).await;
    let token = place.token("notes-deploy").await;
    place.replace_credentials(&token);
    until_doctor_says(&place, |line| line.contains("ok permissions"));
    let image = ground.image.to_string();
    let deploy = || place.run(&["-f", "k8s.yaml", "--image", &image]);
    let failed = deploy();
    assert!(failed.stderr.contains("WITNESS") && !failed.stderr.contains(" cannot "), "{failed}");
    let granted = manifest::parse("rbac.yaml", &printed).unwrap();
    let role = granted.iter().find(|granted| granted.object.kind() == "Role").unwrap();
    let (_, lesser) =
        without_each(&role.object).find(|(resource, _)| resource == "pods/log").unwrap();
    place.apply(&render::to_yaml([&lesser])).await;
    until_doctor_says(&place, |line| line.contains(" pods/log in "));
    let poorer = deploy();
    assert!(poorer.code == Some(8) && !poorer.stderr.contains("WITNESS"), "{poorer}");
}
