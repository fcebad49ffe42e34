//! What registries answer beside what was asked for: warnings, limits, redirects, tags that stay as they are.

use std::time::Duration;

use notes_oci::{ImageSink, ImageSource};
use notes_registry::{Credential, Keychain, Options, PushError, Remote, Retry};
use notes_testkit::registry::{Fault, IDENTITY, Login, Matching, TestRegistry};

use crate::images::{hearing, image, logged_in, options, platform, read_layers, remote};

#[tokio::test]
async fn what_a_registry_wants_people_to_read_is_passed_on_once() {
    let registry = TestRegistry::start().await;
    let (remote, heard) = hearing();
    for _ in 0..3 {
        let warning = Fault::Header("warning", "299 - \"closing on Friday\"".into());
        registry.plan(Matching::method("HEAD"), warning);
    }
    let limit = Fault::Header("ratelimit-limit", "100;w=21600".into());
    registry.plan(Matching::method("POST"), limit);
    remote.write(&image(1, &[1, 2]), &registry.reference("app:1")).await.unwrap();
    let name = registry.registry();
    assert_eq!(*heard.warnings.lock().unwrap(), [format!("`{name}` says: closing on Friday")]);
}

#[tokio::test]
async fn a_limit_is_told_with_whom_and_until_when() {
    let registry = TestRegistry::start().await;
    let headers = [
        ("ratelimit-limit", "100;w=21600"),
        ("docker-ratelimit-source", "203.0.113.7"),
        ("retry-after", "7200"),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    registry.plan(Matching::any(), Fault::Answer(429, headers, "too many requests".into()));
    let error = remote().resolve(&registry.reference("app:1")).await.unwrap_err();
    let hint = error.hint().unwrap();
    let expected = "allows 100 pulls in 6 h for `203.0.113.7`, more in 2 h; log in, or wait";
    assert!(hint.ends_with(expected), "{hint}");
    assert_eq!(error.request().unwrap().retry_after(), Some(Duration::from_hours(2)));
}

/// Registries that keep tags as they are say so in many ways; the tag itself tells.
#[tokio::test]
async fn a_registry_that_keeps_its_tags_is_understood() {
    for status in [400, 403, 409, 412] {
        let registry = TestRegistry::start().await;
        let name = registry.reference("app:1");
        remote().write(&image(1, &[10]), &name).await.unwrap();
        let late = || {
            // Somebody else was faster: the tag was not there when it was asked for.
            registry.plan(Matching::method("HEAD").path("/manifests/"), Fault::Status(404));
            registry.plan(Matching::method("PUT").path("/manifests/"), Fault::Status(status));
        };
        late();
        remote().write(&image(1, &[10]), &name).await.unwrap();
        late();
        let error = remote().write(&image(2, &[10]), &name).await.unwrap_err();
        assert!(matches!(error, PushError::TagExists { .. }), "{status}: {error}");
        assert_eq!(registry.pending(), 0);
    }
}

#[tokio::test]
async fn no_answer_is_read_without_a_limit() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let name = registry.reference("app:1");
    let once = || {
        let options = crate::images::knowing(&registry);
        Remote::new(Options { retry: Retry::never(), ..options }).unwrap()
    };
    once().write(&image(1, &[10]), &name).await.unwrap();
    let long = |bytes: usize| Fault::Answer(200, Vec::new(), " ".repeat(bytes));
    registry.plan(Matching::method("GET").path("/manifests/"), long(17 << 20));
    let error = once().image(&name, &platform()).await.unwrap_err();
    assert!(error.request().unwrap().to_string().contains("more than 16777216 bytes"), "{error:?}");
    registry.plan(Matching::method("GET").path("/token"), long(2 << 20));
    let error = once().image(&name, &platform()).await.unwrap_err();
    assert!(error.request().unwrap().to_string().contains("more than 1048576 bytes"), "{error:?}");
}

#[tokio::test]
async fn no_credential_follows_a_redirect_to_another_host() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let elsewhere = TestRegistry::start().await;
    let image = image(1, &[5000]);
    for registry in [&registry, &elsewhere] {
        logged_in(registry).write(&image, &registry.reference("app:1")).await.unwrap();
    }
    elsewhere.take_lines();
    let blob = format!("/v2/app/blobs/{}", image.layers()[0].digest());
    let to = format!("http://{}{blob}?signature=x", elsewhere.registry());
    registry.plan(
        Matching::method("GET").path(&blob),
        Fault::Answer(307, vec![("location", to)], String::new()),
    );
    let pulled = logged_in(&registry).image(&registry.reference("app:1"), &platform()).await;
    assert_eq!(read_layers(&pulled.unwrap()).await.unwrap(), [5000]);
    assert_eq!(registry.pending(), 0);
    let there = elsewhere.requests();
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!(there[0].authorization, None);
    let asked = registry.requests();
    assert!(asked.iter().any(|it| it.authorization.is_some()), "here there is one");
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let registry = TestRegistry::with_login(Login::Token).await;
    let log_in = |token: &str| {
        let credential = Credential::Identity { token: token.to_owned().into() };
        let name = registry.registry().clone();
        let keychain = Keychain::anonymous().with(name, credential, "the test");
        Remote::new(Options { keychain, ..options() }).unwrap()
    };
    let name = registry.reference("app:1");
    log_in(IDENTITY).write(&image(1, &[10]), &name).await.unwrap();
    let lines = registry.take_lines();
    assert!(lines.contains(&"POST /token 200".to_owned()), "{lines:#?}");
    let error = log_in("another").resolve(&name).await.unwrap_err();
    assert!(error.is_denied() && !format!("{error:?}").contains("another"), "{error:?}");
}
