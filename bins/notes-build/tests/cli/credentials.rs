//! Credentials of registries: where they come from is said, what they are never.

use notes_testkit::registry::{Fault, Login, Matching, PASSWORD, SIGNATURE, TOKEN, USER};

use crate::{secrets::holding, world::World};

/// What must be nowhere: the password, what it looks like in a header, tokens, and the signature of an upload.
fn canaries() -> [String; 5] {
    // base64 of `user:correct horse`.
    let header = "dXNlcjpjb3JyZWN0IGhvcnNl";
    let plain = SIGNATURE.replace("%3D", "=");
    [PASSWORD.into(), header.into(), TOKEN.into(), SIGNATURE.into(), plain]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_tokens_and_signed_addresses_are_shown_and_kept_nowhere() {
    let test = "passwords_tokens_and_signed_addresses_are_shown_and_kept_nowhere";
    let Some(mut world) = World::with_login(test, Login::Token).await else { return };
    let registry = world.registry.registry().to_string();
    world.set("CI_REGISTRY", &registry);
    world.set("CI_REGISTRY_USER", USER);
    world.set("CI_REGISTRY_PASSWORD", PASSWORD);
    let refused = Fault::Answer(400, Vec::new(), "<html>no</html>".into());
    let faults = [
        None,
        Some(Fault::Status(403)),
        Some(refused),
        Some(Fault::Reset),
        Some(Fault::Quote(403)),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        world.commit(&format!("FROM scratch\nCOPY . /\nLABEL number={number}\n"));
        for verbosity in ["--quiet", "--color=never", "-v", "-vv"] {
            for _ in 0..8 {
                world.registry.plan(Matching::method("POST"), Fault::AbsoluteLocation);
            }
            if let Some(fault) = &fault {
                world.registry.plan(Matching::method("PUT").path("/uploads/"), fault.clone());
            }
            let label = format!("verbosity={verbosity}");
            let ran = world.build(&[verbosity, "--allow-retag", "--label", &label]);
            let fails =
                matches!(fault, Some(Fault::Status(_) | Fault::Answer(..) | Fault::Quote(_)));
            assert_eq!(ran.status == 0, !fails, "{ran}");
            for canary in canaries() {
                assert!(!format!("{ran}").contains(&canary), "{canary}: {ran}");
            }
            world.registry.forget_plans();
        }
    }
    let used = world.registry.requests();
    assert!(used.iter().any(|it| it.query.contains(SIGNATURE)), "an upload went to a signed place");
    let shown = [world.run(&["doctor", "-vv"]), world.run(&["config", "show"])];
    for canary in canaries() {
        assert!(shown.iter().all(|ran| !format!("{ran}").contains(&canary)), "{shown:?}");
        for root in [world.home(), world.repository.path()] {
            assert_eq!(holding(root, &canary), <[String; 0]>::default(), "{canary}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_where_credentials_come_from() {
    let test = "doctor_says_where_credentials_come_from";
    let Some(mut world) = World::new(test).await else { return };
    world.commit_files(&[
        ("Dockerfile", "FROM scratch\n"),
        ("notes.toml", "image = \"quay.io/team/app\"\n"),
    ]);
    world.set("DOCKERHUB_USERNAME", "anna");
    world.set("DOCKERHUB_PASSWORD", "canary");
    world.set("CI_REGISTRY", "registry.example.com");
    world.set("CI_REGISTRY_USER", "ci");
    world.set("CI_REGISTRY_PASSWORD", "$CI_JOB_TOKEN");
    world.set("NOTES_MIRRORS", "docker.io=mirror.example.com");
    let docker = world.home().join(".docker");
    std::fs::create_dir(&docker).unwrap();
    let config =
        r#"{"auths":{"https://ghcr.io/team":{"auth":"YW5uYTpjYW5hcnk="}},"credsStore":"absent"}"#;
    std::fs::write(docker.join("config.json"), config).unwrap();
    let ran = world.run(&["doctor"]);
    assert_eq!(ran.status, 0, "{ran}");
    assert!(!format!("{ran}").contains("canary"), "{ran}");
    let said = &ran.stderr[ran.stderr.find("  Credential").unwrap()..];
    insta::assert_snapshot!(said.trim_end(), @r"
      Credential docker.io: `DOCKERHUB_USERNAME` and `DOCKERHUB_PASSWORD`
      Credential ghcr.io/team: `HOME/.docker/config.json`
      Credential mirror.example.com: none
      Credential quay.io/team/app: none
      Credential registry.example.com: the value of `CI_REGISTRY_PASSWORD` is `$CI_JOB_TOKEN`, a variable that was not expanded
                 searched `DOCKER_AUTH_CONFIG` (absent), `HOME/.config/containers/auth.json` (absent), `HOME/.docker/config.json`
    warning: failed to run `docker-credential-absent`: it is not in PATH
    ");
}
