//! The conformance tests of the distribution specification, on the embedded server.

use std::process::Command;

use notes_registry::server::{Access, Grant, User, Users};
use notes_testkit::tools::Tool;

use crate::running::Running;

/// Runs the tests, away from the thread that serves. None may fail, and none may find that it cannot be done.
async fn conforms(test: &str, access: Access) {
    let program = match Tool::Conformance.find() {
        Ok(program) => program,
        Err(reason) => return notes_testkit::skip(test, &reason),
    };
    let running = Running::with(|options| options.access = access).await;
    let results = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.current_dir(results.path()).env_clear();
    command.env("OCI_REGISTRY", running.server.local_addr().to_string()).env("OCI_TLS", "disabled");
    command.env("OCI_VERSION", "1.1").env("OCI_USERNAME", "anna").env("OCI_PASSWORD", "secret");
    // What a registry may leave out, and this one has.
    for optional in [
        "OCI_API_BLOBS_DIGEST_HEADER",
        "OCI_API_BLOBS_UPLOAD_CANCEL",
        "OCI_API_MANIFESTS_DIGEST_HEADER",
    ] {
        command.env(optional, "true");
    }
    // The image specification lets implementations leave it out, and `notes_oci::Digest` does.
    command.env("OCI_DATA_SHA512", "false");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let skipped: Vec<_> = said.lines().filter(|line| line.ends_with(": Skip")).collect();
    assert_eq!(skipped, <[&str; 0]>::default(), "{said}");
    assert!(said.lines().filter(|line| line.ends_with(": Pass")).count() > 500, "{said}");
}

fn users() -> Users {
    let password = "secret".to_owned().into();
    Users::from(User { name: "anna".into(), password, grants: vec![Grant::everything()] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_conforms() {
    conforms("the_server_conforms", Access::Open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_conforms_with_tokens() {
    conforms("the_server_conforms_with_tokens", Access::Token(users())).await;
}
