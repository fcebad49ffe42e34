//! Every example runs, and stays under forty lines.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use notes_registry::server::{Options, Server};

/// Runs an example and returns what it printed.
fn run(name: &str, arguments: &[&str]) -> String {
    let (succeeded, text) = attempt(name, arguments);
    assert!(succeeded, "{name}: {text}");
    text
}

fn attempt(name: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program(name)).args(arguments).env_remove("KUBECONFIG").output();
    let output = output.unwrap_or_else(|error| panic!("{name} was not built: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Cargo builds the examples of a package before it runs its tests, beside them.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}

#[test]
fn names_and_dockerfiles_are_read() {
    let pinned = run("pin_reference", &["python:3.13-slim"]);
    assert!(pinned.contains("docker.io/library/python@sha256:"), "{pinned}");
    let dockerfile = concat!(env!("CARGO_MANIFEST_DIR"), "/../notes-app/Dockerfile");
    let parsed = run("parse_dockerfile", &[dockerfile]);
    assert!(parsed.contains("WORKDIR /app"), "{parsed}");
}

#[test]
fn the_revision_of_a_repository_is_described() {
    let test = "the_revision_of_a_repository_is_described";
    let Some(repository) = notes_testkit::TestRepo::new(test) else { return };
    repository.write("a", "a");
    let commit = repository.commit("Begin");
    let said = run("describe_revision", &[repository.path().to_str().unwrap()]);
    assert!(said.starts_with(&format!("{} Begin\n", &commit[..7])), "{said}");
    assert!(said.ends_with("1 files\nnothing else lies here\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_built_and_pushed() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let built = run("build_to_layout", &[&path("layout")]);
    let options = Options::new(path("registry"));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap();
    let to = format!("{}/app:1", server.local_addr());
    let pushed = run("push_image", &[&path("layout"), "example/greeting:1", &to]);
    let digest = |text: &str| text.trim().split_once('@').unwrap().1.to_owned();
    assert_eq!(digest(&built), digest(&pushed));
    assert_eq!(run("pull_image", &[&to, &path("pulled")]), pushed);
    server.shutdown().await;
}

#[test]
fn a_deploy_without_a_cluster_says_so() {
    // Deploying for real is what the tests of the road do; here the program need only get as far as the cluster.
    let image = format!("docker.io/user/app@sha256:{}", "0".repeat(64));
    let (succeeded, text) = attempt("apply_and_wait", &[&image, "app", "default"]);
    assert!(!succeeded && text.starts_with("Error: "), "{text}");
}

#[test]
fn a_command_runs_where_the_machine_allows_it() {
    let test = "a_command_runs_where_the_machine_allows_it";
    let busybox = Path::new("/usr/bin/busybox");
    if !busybox.exists() {
        return notes_testkit::skip(test, "there is no busybox to run");
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("bin")).unwrap();
    std::fs::copy(busybox, root.path().join("bin/busybox")).unwrap();
    let root = root.path().to_str().unwrap();
    let (succeeded, said) = attempt("run_command", &[root, "/bin/busybox", "echo", "hello"]);
    if said.contains("isolation none") {
        return notes_testkit::skip(test, &said);
    }
    assert!(succeeded && said.contains("hello"), "{said}");
}

#[test]
fn an_example_has_fewer_than_forty_lines() {
    let examples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap();
    for entry in examples {
        let path = entry.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 40, "{} has {lines} lines", path.display());
    }
}
