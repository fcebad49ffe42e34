//! Further contexts, and what the image says about where it comes from.

use std::fs;

use serde_json::json;

use crate::world::World;

fn world(test: &str) -> Option<World> {
    let mut world = World::new(test)?;
    let wheels = world.path("wheels");
    fs::create_dir_all(wheels.join("sub")).unwrap();
    fs::write(wheels.join("sub/a.whl"), "wheel\n").unwrap();
    world.options.insert("contexts", json!({ "Wheels": wheels }));
    Some(world)
}

#[test]
fn a_further_context_is_copied_from_mounted_and_built_on() {
    let test = "a_further_context_is_copied_from_mounted_and_built_on";
    let Some(world) = world(test) else { return };
    let built = world.build(
        "FROM wheels AS all\nFROM base:1\n\
         COPY --from=wheels sub/a.whl /copied\n\
         RUN --mount=from=wheels,target=/wheels cat /wheels/sub/a.whl > /mounted\n\
         COPY --from=all /sub /stage\n",
    );
    assert_eq!(built.text("copied"), "wheel\n");
    assert_eq!(built.text("mounted"), "wheel\n");
    assert_eq!(built.text("stage/a.whl"), "wheel\n");
}

#[test]
fn a_further_context_replaces_a_stage_and_an_image() {
    let test = "a_further_context_replaces_a_stage_and_an_image";
    let Some(mut world) = world(test) else { return };
    let replaced = "FROM base:1 AS wheels\nRUN false\nFROM base:1\nCOPY --from=0 /sub/a.whl /out\n";
    assert_eq!(world.build(replaced).text("out"), "wheel\n");
    world.options.insert("images", json!({ "example.com/other:2": "base:1", "plain": "base:1" }));
    let built = world.build(
        "FROM example.com/other:2 AS other\nFROM docker.io/library/plain:latest\n\
         COPY --from=other /etc/passwd /out\n",
    );
    assert!(built.text("out").starts_with("root:"));
}

#[test]
fn the_base_stands_in_the_annotations() {
    let Some(world) = World::new("the_base_stands_in_the_annotations") else { return };
    let built = world.build("FROM base:1 AS first\nRUN true > /x\nFROM first\nLABEL a=b\n");
    let annotations = &built.image().manifest().annotations;
    assert_eq!(annotations["org.opencontainers.image.base.name"], "docker.io/library/base:1");
    assert!(annotations["org.opencontainers.image.base.digest"].starts_with("sha256:"));
    let scratch = world.build("FROM scratch\nLABEL a=b\n");
    assert!(scratch.image().manifest().annotations.is_empty());
}

#[test]
fn the_time_of_the_image_can_be_given() {
    let Some(mut world) = World::new("the_time_of_the_image_can_be_given") else { return };
    world.options.insert("arguments", json!({ "SOURCE_DATE_EPOCH": "86400" }));
    let built = world.build("FROM base:1\nLABEL a=b\n");
    assert_eq!(built.image().config().created.as_deref(), Some("1970-01-02T00:00:00Z"));
    world.options.insert("arguments", json!({}));
    let built = world.build("ARG SOURCE_DATE_EPOCH=172800\nFROM base:1\nLABEL a=b\n");
    assert_eq!(built.image().config().created.as_deref(), Some("1970-01-03T00:00:00Z"));
    world.options.insert("arguments", json!({ "SOURCE_DATE_EPOCH": "today" }));
    insta::assert_snapshot!(world.fail("FROM base:1\n"), @"the build argument `SOURCE_DATE_EPOCH` is `today`, not a number of seconds since 1970");
}

#[test]
fn a_host_name_can_be_given() {
    let Some(mut world) = World::new("a_host_name_can_be_given") else { return };
    world.options.insert("arguments", json!({ "BUILDKIT_SANDBOX_HOSTNAME": "named" }));
    assert_eq!(world.build("FROM base:1\nRUN hostname > /out\n").text("out"), "named\n");
}
