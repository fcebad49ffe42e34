use notes_oci::{ImageSink, ImageSource};
use notes_registry::{Credential, Keychain, Options, Remote};
use notes_testkit::registry::{Login, TestRegistry, USER};

use crate::images::{image, logged_in, options, platform, read_layers, remote};

#[tokio::test]
async fn both_ways_to_log_in_work() {
    for login in [Login::Basic, Login::Token] {
        let registry = TestRegistry::with_login(login).await;
        let (image, name) = (image(1, &[1000, 70_000, 3]), registry.reference("team/app:1"));
        logged_in(&registry).write(&image, &name).await.unwrap();
        let pulled = logged_in(&registry).image(&name, &platform()).await.unwrap();
        assert_eq!(read_layers(&pulled).await.unwrap(), [1000, 70_000, 3]);
    }
}

#[tokio::test]
async fn an_unchanged_image_costs_three_requests_and_one_token() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let (image, name) = (image(1, &[1000]), registry.reference("app:1"));
    logged_in(&registry).write(&image, &name).await.unwrap();
    registry.take_lines();
    logged_in(&registry).write(&image, &name).await.unwrap();
    assert_eq!(
        registry.take_lines(),
        ["HEAD /v2/app/manifests/1 401", "GET /token 200", "HEAD /v2/app/manifests/1 200"]
    );
}

/// Pushes an image of such layers to `base`, from there to `app`, and returns the requests of the second push.
async fn copied(registry: &TestRegistry, layers: &[usize]) -> Vec<String> {
    let remote = logged_in(registry);
    remote.write(&image(1, layers), &registry.reference("base:1")).await.unwrap();
    let base = remote.image(&registry.reference("base:1"), &platform()).await.unwrap();
    registry.take_lines();
    remote.write(&base, &registry.reference("app:1")).await.unwrap();
    registry.take_lines()
}

#[tokio::test]
async fn one_token_serves_all_blobs_of_a_push_and_its_mounts() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let lines = copied(&registry, &[10, 20, 30, 40, 50]).await;
    assert_eq!(lines.iter().filter(|line| line.contains("/token")).count(), 1, "{lines:#?}");
    // Five layers mounted, the config sent.
    assert_eq!(lines.iter().filter(|line| line.starts_with("PUT")).count(), 2, "{lines:#?}");
}

#[tokio::test]
async fn a_token_for_the_last_scope_alone_costs_the_mounts_and_not_the_push() {
    let registry = TestRegistry::with_login(Login::LastScope).await;
    let lines = copied(&registry, &[10, 20, 30]).await;
    assert_eq!(lines.iter().filter(|line| line.contains("/token")).count(), 2, "{lines:#?}");
    // Three layers and the config are sent, and the manifest.
    assert_eq!(lines.iter().filter(|line| line.starts_with("PUT")).count(), 5, "{lines:#?}");
    let app = registry.reference("app:1");
    let pulled = logged_in(&registry).image(&app, &platform()).await.unwrap();
    assert_eq!(read_layers(&pulled).await.unwrap(), [10, 20, 30]);
}

#[tokio::test]
async fn a_wrong_password_says_where_it_came_from() {
    for login in [Login::Basic, Login::Token] {
        let registry = TestRegistry::with_login(login).await;
        let keychain = Keychain::anonymous().with(
            registry.registry().clone(),
            Credential::basic(USER, "wr0ng"),
            "`DOCKERHUB_PASSWORD`",
        );
        let remote = Remote::new(Options { keychain, ..options() }).unwrap();
        let error = remote.write(&image(1, &[1]), &registry.reference("app:1")).await.unwrap_err();
        assert!(error.is_denied() && !error.is_transient(), "{error:?}");
        assert_eq!(error.request().unwrap().status(), Some(401));
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("the credential from `DOCKERHUB_PASSWORD` is wrong"), "{hint}");
        assert!(!format!("{error:?}{error}").contains("wr0ng"));
        assert!(registry.take_lines().len() <= 3, "a refusal is not tried again");
    }
}

#[tokio::test]
async fn without_a_credential_the_places_are_named() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let error = remote().write(&image(1, &[1]), &registry.reference("app:1")).await.unwrap_err();
    assert!(error.is_denied());
    assert_eq!(error.hint().unwrap(), "no place was searched for a credential");

    let keychain = Keychain::from_environment(
        &[("HOME", "/nowhere")].into_iter().collect::<notes_registry::Environment>(),
    );
    let remote = Remote::new(Options { keychain, ..options() }).unwrap();
    let error = remote.image(&registry.reference("app:1"), &platform()).await.unwrap_err();
    insta::assert_snapshot!(error.hint().unwrap(), @"searched for a credential in `DOCKER_AUTH_CONFIG` (absent), `/nowhere/.config/containers/auth.json` (absent), `/nowhere/.docker/config.json` (absent)");
}
