//! `ADD` of URLs, and SSH agents.

use std::os::unix::net::UnixListener;

use serde_json::json;

use crate::world::World;

const URL: &str = "https://example.com/dir/file%20name.txt";

fn world(test: &str, content: &str) -> Option<World> {
    let mut world = World::new(test)?;
    world.options.insert("files", json!({ URL: content }));
    Some(world)
}

#[test]
fn a_url_becomes_a_file() {
    let Some(world) = world("a_url_becomes_a_file", "remote\n") else { return };
    let built = world.build(&format!(
        "FROM base:1\nADD {URL} /dir/\nADD {URL} /renamed\nADD --chown=7:8 --chmod=644 {URL} /owned\n"
    ));
    assert_eq!(built.describe("dir/file name.txt"), "file of 7 600 0:0");
    assert_eq!(built.describe("owned"), "file of 7 644 7:8");
    assert_eq!(built.text("renamed"), "remote\n");
    let entry = built.tree().entry("renamed".as_ref()).unwrap().unwrap();
    assert_eq!(entry.modified, Some(1_500_000_000), "the server's `Last-Modified`");
    assert_eq!(built.history()[2], format!("ADD {URL} /renamed"));
}

#[test]
fn another_content_is_another_step() {
    let test = "another_content_is_another_step";
    let Some(mut world) = world(test, "one\n") else { return };
    let dockerfile = format!("FROM base:1\nADD {URL} /file\n");
    world.build(&dockerfile);
    assert_eq!(world.build(&dockerfile).outcomes(), ["cached"]);
    world.options.insert("files", json!({ URL: "two\n" }));
    assert_eq!(world.build(&dockerfile).text("file"), "two\n");
}

#[test]
fn a_checksum_pins_a_url() {
    let Some(mut world) = world("a_checksum_pins_a_url", "a\n") else { return };
    let sum = "sha256:87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7";
    let dockerfile = format!("FROM base:1\nARG SUM={sum}\nADD --checksum=$SUM {URL} /file\n");
    assert_eq!(world.build(&dockerfile).text("file"), "a\n");
    // Known by its checksum: nothing is downloaded any more.
    world.options.insert("files", json!({}));
    assert_eq!(world.build(&dockerfile).outcomes(), ["config", "cached"]);
    world.options.insert("files", json!({ URL: "other\n" }));
    let report = world.build_in("fresh", &dockerfile).err().unwrap();
    insta::assert_snapshot!(report, @r"
    error: `https://example.com/dir/file%20name.txt` has the checksum sha256:7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87, and was to have sha256:87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7
     --> Dockerfile:3:16
      |
    3 | ADD --checksum=$SUM https://example.com/dir/file%20name.txt /file
      |                ^^^^
    hint: the file has changed, or it is not the one that was meant; look at it before you change the checksum
    ");
}

#[test]
fn an_archive_behind_a_url_is_unpacked_when_told_so() {
    let test = "an_archive_behind_a_url_is_unpacked_when_told_so";
    let mut archive = notes_image::tar::Writer::new(Vec::new());
    let attributes = notes_image::tar::Attributes { mode: 0o640, ..Default::default() };
    let body = notes_image::tar::Body::File(2);
    archive.append("file".as_ref(), &attributes, &body, &mut &b"hi"[..]).unwrap();
    let archive = String::from_utf8(archive.finish().unwrap()).unwrap();
    let Some(world) = world(test, &archive) else { return };
    let built =
        world.build(&format!("FROM base:1\nADD {URL} /kept\nADD --unpack=true {URL} /unpacked\n"));
    assert_eq!(built.text("kept"), archive);
    assert_eq!(built.describe("unpacked/file"), "file of 2 640 0:0");
}

#[test]
fn a_url_without_a_name_needs_one() {
    let Some(mut world) = World::new("a_url_without_a_name_needs_one") else { return };
    world.options.insert("files", json!({ "https://example.com/": "x" }));
    assert_eq!(world.build("FROM base:1\nADD https://example.com/ /name\n").text("name"), "x");
    insta::assert_snapshot!(world.fail("FROM base:1\nADD https://example.com/ /dir/\n"), @r"
    error: the URL `https://example.com/` names no file
     --> Dockerfile:2:5
      |
    2 | ADD https://example.com/ /dir/
      |     ^^^^^^^^^^^^^^^^^^^^
    hint: give the file a name: a destination that does not end in `/`
    ");
}

#[test]
fn an_ssh_agent_is_a_socket_with_the_owner_that_was_asked_for() {
    let test = "an_ssh_agent_is_a_socket_with_the_owner_that_was_asked_for";
    let Some(mut world) = World::new(test) else { return };
    let socket = world.path("agent.socket");
    let _agent = UnixListener::bind(&socket).unwrap();
    world.options.insert("agents", json!({ "default": socket, "other": socket }));
    let dockerfile = "FROM base:1\n\
         RUN --mount=type=ssh --mount=type=ssh,id=other,target=/other,mode=0666 \
             test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK > /out && \
             stat -c '%a %u:%g %F' $SSH_AUTH_SOCK /other >> /out\n";
    let built = world.build(dockerfile);
    assert_eq!(built.text("out"), "/run/buildkit/ssh_agent.0\n600 0:0 socket\n666 0:0 socket\n");
    assert!(!built.exists("run") && !built.exists("other"), "mounts leave no trace");
    world.options.remove("agents");
    assert_eq!(world.build(dockerfile).outcomes(), ["cached"], "an agent is not in the key");
}
