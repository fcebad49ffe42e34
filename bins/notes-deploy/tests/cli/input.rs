//! The binary's wiring: what a person sees, and the exit code a pipeline gets.

use std::fs;

use notes_testkit::registry::{Login, TestRegistry};

use crate::world::{PINNED, project, run};

fn report(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let ended = run(project().path(), variables, arguments, "");
    assert_eq!(ended.stdout, "", "only a result goes to stdout");
    format!("{}exit {}", ended.stderr, ended.code.unwrap())
}

#[test]
fn a_cluster_that_is_not_named_is_explained() {
    insta::assert_snapshot!(report(&[], &["status"]), @r"
    error: no cluster is configured: `KUBECONFIG` is not set and there is no `~/.kube/config`
    hint: set `KUBECONFIG` to a path, to the YAML, or to base64 of it; a protected variable is only there on protected branches
    exit 3
    ");
    insta::assert_snapshot!(report(&[("KUBECONFIG", "hello world")], &["status"]), @r"
    error: `KUBECONFIG` is neither a path, nor YAML, nor base64 of it
    hint: make it with `base64 -w0 < ~/.kube/config`
    exit 3
    ");
    insta::assert_snapshot!(report(&[("KUBECONFIG", "L3Jvb3QvLmt1YmUvY29uZmlnCg==")], &["history"]), @r"
    error: `KUBECONFIG` is base64 of a path, not of a kubeconfig
    hint: encode the file, not its name: `base64 -w0 < ~/.kube/config`
    exit 3
    ");
    insta::assert_snapshot!(report(&[("KUBECONFIG", "$KUBECONFIG")], &["rollback"]), @r"
    error: `KUBECONFIG` holds the text of a variable that was not expanded
    hint: is the variable it refers to defined for this branch and environment?
    exit 3
    ");
    insta::assert_snapshot!(report(&[("KUBECONFIG", "/nowhere/config")], &["port-forward"]), @r"
    error: the kubeconfig file `/nowhere/config` does not exist
    exit 3
    ");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_explained() {
    // The discard port: nothing listens there.
    let kubeconfig = "apiVersion: v1\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n\
                      contexts: [{name: c, context: {cluster: c}}]\n";
    let said = report(&[("KUBECONFIG", kubeconfig)], &["--image", PINNED]);
    insta::assert_snapshot!(said, @r"
         Cluster http://127.0.0.1:9 from the text in KUBECONFIG, context c
       Deploying web to apps with docker.io/user/app@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
    error: failed to lock `web`: http://127.0.0.1:9 cannot be reached: Connection refused (os error 111)
    hint: nothing listens at http://127.0.0.1:9; is it the right cluster, and is it running?
    exit 5
    ");
}

#[test]
fn an_image_that_is_not_named_is_explained() {
    insta::assert_snapshot!(report(&[], &["render", "--image", "-"]), @r"
    error: there is no image on stdin
    hint: did the build before the pipe fail? `set -o pipefail` shows it
    exit 3
    ");
    insta::assert_snapshot!(report(&[], &["render", "--image", "user/App"]), @r"
    error: `user/App` is not a repository name
    hint: repository names are lower-case: `user/app`
    exit 3
    ");
    insta::assert_snapshot!(report(&[("NOTES_BUILD_REF", "user/app:1")], &["render"]), @r"
    error: `docker.io/user/app:1` names no digest
    hint: write `name@sha256:…`
    exit 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_denies_or_is_down_is_explained() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let host = registry.registry().to_string();
    let image = format!("{host}/team/web:1");
    let login = [
        ("CI_REGISTRY", host.as_str()),
        ("CI_REGISTRY_USER", "user"),
        ("CI_REGISTRY_PASSWORD", "wrong-password"),
    ];
    let denied = report(&login, &["--image", &image]);
    assert!(denied.ends_with("exit 4") && denied.contains("\nhint: "), "{denied}");
    assert!(!denied.contains("wrong-password"), "{denied}");
    // Port 1 is reserved and nothing listens there.
    insta::assert_snapshot!(report(&[], &["--image", "127.0.0.1:1/team/web:1"]), @r"
    error: failed to read `127.0.0.1:1/team/web:1`: `HEAD http://127.0.0.1:1/v2/team/web/manifests/1` failed: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: nothing listens there; is the registry running, and the port right?
    exit 5
    ");
}

#[test]
fn manifests_are_checked_before_anything_else() {
    let directory = project();
    fs::create_dir(directory.path().join("k8s")).unwrap();
    fs::write(
        directory.path().join("k8s/web.yaml"),
        "apiVersion: apps/v1\nkind: Deploymenit\nmetadata: {name: web}\n",
    )
    .unwrap();
    let ended = run(directory.path(), &[], &["render", "-f", "k8s", "--image", PINNED], "");
    assert_eq!(ended.code, Some(3));
    insta::assert_snapshot!(ended.stderr, @r"
    error: k8s/web.yaml:2: there is no kind `Deploymenit` in `apps/v1`
     --> k8s/web.yaml:2:1
      |
    2 | kind: Deploymenit
      | ^^^^^^^^^^^^^^^^^
    hint: did you mean `apps/v1 Deployment`?
    ");
}

#[test]
fn the_image_may_come_from_a_pipe_and_the_manifests_go_to_one() {
    let ended = run(project().path(), &[], &["render", "--image", "-"], &format!("{PINNED}\n"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains(&format!("image: {PINNED}\n")), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("apiVersion: v1\nkind: Namespace\n"));
}

#[test]
fn names_that_kubernetes_refuses_are_explained_before_anything_is_asked() {
    let said = report(&[("NOTES_DEPLOY_NAMESPACE", "my_apps")], &["--image", PINNED]);
    insta::assert_snapshot!(said, @r"
    error: `deploy.namespace` is `my_apps` (NOTES_DEPLOY_NAMESPACE), which Kubernetes takes for no name
    hint: lower-case letters and digits, with `-` between them, 63 at most; set `name` or `namespace` under `[deploy]`
    exit 3
    ");
}

#[test]
fn a_settings_file_is_called_as_it_is_written() {
    let directory = project();
    let shown = run(directory.path(), &[], &["config", "show"], "");
    assert!(shown.stdout.contains("  notes.toml:4\n"), "{}", shown.stdout);
    let inside = directory.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let shown = run(&inside, &[], &["config", "show", "--config", "../notes.toml"], "");
    assert!(shown.stdout.contains("  ../notes.toml:4\n"), "{}", shown.stdout);
}

#[test]
fn usage_and_settings() {
    let ended = run(project().path(), &[], &["--timeout", "soon", "--image", PINNED], "");
    assert_eq!(ended.code, Some(2));
    assert_eq!(run(project().path(), &[], &["frobnicate"], "").code, Some(2));
    let shown = run(
        project().path(),
        &[("NOTES_DEPLOY_REPLICAS", "3")],
        &["config", "show", "--port", "80"],
        "",
    );
    assert_eq!(shown.code, Some(0));
    let rows: Vec<_> =
        shown.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(
        rows.contains(&vec!["deploy.replicas", "3", "NOTES_DEPLOY_REPLICAS"]),
        "{}",
        shown.stdout
    );
    assert!(rows.contains(&vec!["deploy.port", "80", "--port"]), "{}", shown.stdout);
}
