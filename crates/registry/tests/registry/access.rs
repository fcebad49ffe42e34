//! Users, rights and tokens of the embedded server.

use notes_oci::{ImageSink, ImageSource, Reference};
use notes_registry::{
    Credential, Keychain, Remote,
    server::{Access, Action, Grant, Mode, User, Users},
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::{
    images::{image, options, platform},
    running::{Running, code, header, manifest},
};

fn grant(repositories: &str, actions: &[Action]) -> Grant {
    Grant { repositories: repositories.parse().unwrap(), actions: actions.to_vec() }
}

/// Anna may do everything, the CI may push for its team, everybody may read what is public.
fn users() -> Users {
    let user = |name: &str, grants| User {
        name: name.into(),
        password: format!("{name}'s").into(),
        grants,
    };
    let team = grant("team/*", &[Action::Pull, Action::Push]);
    Users {
        users: vec![user("anna", vec![Grant::everything()]), user("ci", vec![team])],
        anonymous: vec![grant("public/*", &[Action::Pull])],
    }
}

async fn status(running: &Running, method: &str, path: &str, user: Option<&str>) -> Response {
    let request = running.http.request(method.parse().unwrap(), running.url(path));
    let request = match user {
        Some(user) => request.basic_auth(user, Some(format!("{user}'s"))),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_password_gives_the_rights_of_its_user() {
    let running = Running::with(|options| options.access = Access::Basic(users())).await;
    let base = status(&running, "GET", "/v2/", None).await;
    assert_eq!(base.status(), 401, "clients learn here that there are users");
    assert_eq!(header(&base, "www-authenticate"), "Basic realm=\"notes\", charset=\"UTF-8\"");
    for (method, path, user, expected) in [
        ("GET", "/v2/", Some("ci"), 200),
        ("POST", "/v2/team/app/blobs/uploads/", Some("ci"), 202),
        ("POST", "/v2/other/app/blobs/uploads/", Some("ci"), 403),
        ("DELETE", "/v2/team/app/manifests/1", Some("ci"), 403),
        ("DELETE", "/v2/team/app/manifests/1", Some("anna"), 404),
        ("GET", "/v2/public/app/manifests/1", None, 404),
        ("GET", "/v2/public/app/manifests/1", Some("ci"), 404),
        ("GET", "/v2/team/app/manifests/1", None, 401),
        ("POST", "/v2/public/app/blobs/uploads/", None, 401),
        ("GET", "/v2/_catalog", None, 401),
    ] {
        let answer = status(&running, method, path, user).await;
        assert_eq!(answer.status().as_u16(), expected, "{method} {path} {user:?}");
    }
    let wrong = running.http.get(running.url("/v2/public/app/manifests/1"));
    assert_eq!(wrong.basic_auth("anna", Some("no")).send().await.unwrap().status(), 401);
    let refused = status(&running, "POST", "/v2/other/app/blobs/uploads/", Some("ci")).await;
    assert_eq!(code(refused).await, "DENIED");
}

async fn token(running: &Running, query: &str, user: Option<&str>) -> String {
    let answer = status(running, "GET", &format!("/token?service=test{query}"), user).await;
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_for_what_was_asked_and_there_is_a_right_to() {
    let running = Running::with(|options| options.access = Access::Token(users())).await;
    let push = |name: &str, token: &str| {
        let path = format!("/v2/{name}/blobs/uploads/");
        running.http.post(running.url(&path)).bearer_auth(token).send()
    };
    let challenged = status(&running, "POST", "/v2/team/app/blobs/uploads/", None).await;
    assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
    let address = running.server.local_addr();
    assert_eq!(
        header(&challenged, "www-authenticate"),
        format!(
            "Bearer realm=\"http://{address}/token\",service=\"{address}\",\
             scope=\"repository:team/app:pull,push\""
        )
    );
    let both = "&scope=repository:team/app:pull,push&scope=repository:other:pull,push";
    let ci = token(&running, both, Some("ci")).await;
    assert_eq!(push("team/app", &ci).await.unwrap().status(), 202);
    let other = push("other", &ci).await.unwrap();
    assert_eq!(other.status(), 403, "no token helps where there is no right");
    let narrow = push("team/other", &ci).await.unwrap();
    assert_eq!(narrow.status(), 401, "a token for it would help");
    assert!(header(&narrow, "www-authenticate").contains("error=\"insufficient_scope\""));
    let nobody = token(&running, "&scope=repository:public/app:pull,push", None).await;
    assert_eq!(push("public/app", &nobody).await.unwrap().status(), 401);
    let read = running.http.get(running.url("/v2/public/app/manifests/1")).bearer_auth(&nobody);
    assert_eq!(read.send().await.unwrap().status(), 404);
    let wrong = running.http.get(running.url("/token")).basic_auth("ci", Some("no")).send();
    assert_eq!(wrong.await.unwrap().status(), 401);
    assert_eq!(push("team/app", "made-up").await.unwrap().status(), 401);
}

async fn exchange(running: &Running, form: &str) -> Response {
    let question = running.http.post(running.url("/token")).body(form.to_owned());
    let kind = "application/x-www-form-urlencoded";
    question.header("content-type", kind).send().await.unwrap()
}

#[tokio::test]
async fn a_form_gives_tokens_as_well() {
    let running = Running::with(|options| options.access = Access::Token(users())).await;
    let password = "grant_type=password&service=test&client_id=test&username=ci&password=ci%27s";
    let scopes = "scope=repository%3Ateam%2Fapp%3Apull%2Cpush+repository%3Aother%3Apull";
    let answer = exchange(&running, &format!("{password}&{scopes}")).await;
    assert_eq!(answer.status(), 200);
    let granted = answer.json::<Value>().await.unwrap();
    assert_eq!(granted["scope"], "repository:team/app:pull,push repository:other:");
    assert_eq!(granted.get("refresh_token"), None, "none was asked for");
    let push = running.http.post(running.url("/v2/team/app/blobs/uploads/"));
    let push = push.bearer_auth(granted["access_token"].as_str().unwrap());
    assert_eq!(push.send().await.unwrap().status(), 202);

    for (form, status) in [
        ("grant_type=password&username=ci&password=no", 401),
        ("grant_type=password", 401),
        ("grant_type=refresh_token&refresh_token=made-up", 401),
        ("grant_type=refresh_token", 401),
        ("grant_type=authorization_code&code=1", 400),
        ("", 400),
        (" ".repeat(70_000).as_str(), 400),
    ] {
        assert_eq!(exchange(&running, form).await.status(), status, "{form:.60}");
    }
    let open = Running::start().await;
    assert_eq!(exchange(&open, password).await.status(), 404);
}

#[tokio::test]
async fn an_identity_token_stands_for_the_password() {
    let running = Running::with(|options| options.access = Access::Token(users())).await;
    let asked = status(&running, "GET", "/token?offline_token=true", Some("ci")).await;
    let identity = asked.json::<Value>().await.unwrap()["refresh_token"].clone();
    let form = "grant_type=password&username=ci&password=ci%27s&access_type=offline";
    let again = exchange(&running, form).await.json::<Value>().await.unwrap();
    assert_eq!(again["refresh_token"], identity, "one for each user");
    let nobody = status(&running, "GET", "/token?offline_token=true", None).await;
    assert_eq!(nobody.json::<Value>().await.unwrap().get("refresh_token"), None);

    let registry = running.server.local_addr().to_string();
    let credential = Credential::Identity { token: identity.as_str().unwrap().into() };
    let keychain = Keychain::anonymous().with(registry.parse().unwrap(), credential, "the test");
    let remote = Remote::new(notes_registry::Options { keychain, ..options() }).unwrap();
    let reference = |name: &str| -> Reference { format!("{registry}/{name}").parse().unwrap() };
    let image = image(1, &[10]);
    remote.write(&image, &reference("team/app:1")).await.unwrap();
    let pulled = remote.image(&reference("team/app:1"), &platform()).await.unwrap();
    assert_eq!(pulled, image);
    let error = remote.write(&image, &reference("other:1")).await.unwrap_err();
    assert!(error.is_denied(), "{error:?}");
}

#[tokio::test]
async fn what_may_not_be_read_is_neither_mounted_nor_listed() {
    let running = Running::start().await;
    let blob = running.blob(b"{}").await;
    running.manifest("1", &manifest(blob, 2)).await;
    let directory = running.stop().await;
    let access = Access::Basic(users());
    let running = Running::on(directory, |options| options.access = access).await;
    // `app` is none of the team's.
    for query in [format!("mount={blob}&from=app"), format!("mount={blob}")] {
        let path = format!("/v2/team/app/blobs/uploads/?{query}");
        let answer = status(&running, "POST", &path, Some("ci")).await;
        assert_eq!(answer.status(), 202, "{query}");
        let answer = status(&running, "POST", &path, Some("anna")).await;
        assert_eq!(answer.status(), 201, "{query}");
    }
    for (user, expected) in [("ci", 0), ("anna", 1)] {
        let listed = status(&running, "GET", "/v2/_catalog", Some(user)).await;
        let listed = listed.json::<Value>().await.unwrap();
        assert_eq!(listed["repositories"].as_array().unwrap().len(), expected, "{user}");
    }
}

#[tokio::test]
async fn a_read_only_registry_changes_nothing() {
    let running = Running::start().await;
    let blob = running.blob(b"{}").await;
    let directory = running.stop().await;
    let running = Running::on(directory, |options| options.mode = Mode::ReadOnly).await;
    let path = format!("/v2/app/blobs/{blob}");
    assert_eq!(status(&running, "GET", &path, None).await.status(), 200);
    for (method, path) in [
        ("POST", "/v2/app/blobs/uploads/"),
        ("DELETE", path.as_str()),
        ("PUT", "/v2/app/manifests/1"),
    ] {
        let refused = status(&running, method, path, None).await;
        assert_eq!(refused.status(), 405, "{method} {path}");
        assert_eq!(code(refused).await, "UNSUPPORTED");
    }
}
