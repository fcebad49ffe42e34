use notes_oci::{Digest, Reference};
use serde_json::json;

use super::*;

fn image() -> Pinned {
    "docker.io/user/notes-app:a3f92bd".parse::<Reference>().unwrap().pin(Digest::of(b"{}"))
}

fn yaml(app: &App) -> String {
    let manifests = render(app, &image());
    to_yaml(manifests.iter().map(|manifest| &manifest.object))
}

fn notes_app() -> App {
    let mut app = App::new("notes-app", "notesapp", 8000.try_into().unwrap());
    app.service = "notes-app-service".into();
    app
}

#[test]
fn the_defaults_are_safe() {
    insta::assert_snapshot!(yaml(&notes_app()));
}

#[test]
fn everything_can_be_said() {
    let mut app = notes_app();
    app.replicas = 3;
    app.command = vec!["gunicorn".into(), "notes.wsgi".into()];
    app.env = BTreeMap::from([
        ("DEBUG".into(), EnvValue::Text("0".into())),
        ("DATABASE_URL".into(), EnvValue::Secret { name: "database".into(), key: "url".into() }),
        ("THEME".into(), EnvValue::ConfigMap { name: "settings".into(), key: "theme".into() }),
    ]);
    app.env_from =
        vec![EnvSource::Secret("notes-env".into()), EnvSource::ConfigMap("flags".into())];
    app.image_pull_secrets = vec!["registry".into()];
    app.run_as_user = Some(10001);
    app.writable = vec!["/var/lib/notes".into()];
    app.probes = Probes {
        liveness: Probe::Http("/healthz".into()),
        readiness: Probe::Http("/readyz".into()),
        startup: Duration::from_secs(31),
    };
    let manifests = render(&app, &image());
    insta::assert_snapshot!(to_yaml([&manifests[1].object]));
}

/// kubectl reads YAML 1.1, where more words than one would think are not text.
#[test]
fn text_stays_text_when_it_is_read_again() {
    let words = [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "null",
        "~",
        "0644",
        "0x1f",
        "0o17",
        "1e3",
        "1_000",
        ".5",
        "1.0",
        "12:30",
        "2026-01-01",
        "",
        " x ",
        "a: b",
        "# x",
        "- x",
        "{}",
        "'",
        "\"",
        "a\nb\n",
        "|",
        "&a",
        "*a",
        "%x",
        "@x",
        "<<",
        "=",
    ];
    let data: serde_json::Map<_, _> = words.iter().map(|w| (format!("k{w}"), json!(w))).collect();
    let object = Object::new(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data,
    }));
    let text = to_yaml([&object]);
    let read = crate::manifest::parse("c.yaml", &text).unwrap();
    assert_eq!(read[0].object, object, "{text}");
}
