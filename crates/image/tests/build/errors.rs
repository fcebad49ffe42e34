//! What a person sees when a build fails.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::world::World;

#[test]
fn a_source_that_an_ignore_file_hides_names_the_line() {
    let Some(mut world) = World::new("a_source_that_an_ignore_file_hides_names_the_line") else {
        return;
    };
    world.file("secret.env", "");
    world.ignore = "# secrets\n*.env\n".into();
    insta::assert_snapshot!(world.fail("FROM base:1\nCOPY secret.env /\n"), @r"
        error: `secret.env` matches no file in the build context
         --> Dockerfile:2:6
          |
        2 | COPY secret.env /
          |      ^^^^^^^^^^
        hint: line 2 of the ignore file excludes it
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nCOPY missing /\n"), @r"
        error: `missing` matches no file in the build context
         --> Dockerfile:2:6
          |
        2 | COPY missing /
          |      ^^^^^^^
        hint: sources are relative to the root of the context, and only committed files are in it
        ");
}

#[test]
fn a_command_that_fails_shows_its_status_and_what_it_wrote() {
    let Some(world) = World::new("a_command_that_fails_shows_its_status_and_what_it_wrote") else {
        return;
    };
    insta::assert_snapshot!(
        world.fail("FROM base:1\nRUN echo one && echo two >&2 && exit 3\n"), @r"
        error: the command failed with exit status 3
         --> Dockerfile:2:1
          |
        2 | RUN echo one && echo two >&2 && exit 3
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        one
        two
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nRUN [\"/missing\"]\n"), @r#"
        error: `/missing` is not in the image
         --> Dockerfile:2:1
          |
        2 | RUN ["/missing"]
          | ^^^^^^^^^^^^^^^^
        "#);
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_its_processes() {
    let test = "a_command_that_takes_too_long_is_ended_with_all_its_processes";
    let Some(mut world) = World::new(test) else { return };
    world.options.insert("run_timeout", json!(1));
    let begun = Instant::now();
    // The one in the background ignores what asks nicely, and holds the command's output open.
    let report = world.fail(
        "FROM base:1\nRUN echo begun; sh -c 'trap \"\" TERM INT HUP; sleep 600' & sleep 600\n",
    );
    insta::assert_snapshot!(report, @r#"
        error: the command took longer than 1 s and was ended
         --> Dockerfile:2:1
          |
        2 | RUN echo begun; sh -c 'trap "" TERM INT HUP; sleep 600' & sleep 600
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        begun
        "#);
    assert!(begun.elapsed() < Duration::from_mins(1), "nothing was waited for");
    assert_eq!(fs::read_dir(world.path("store/drafts")).unwrap().count(), 0);
    world.options.insert("run_timeout", json!(600));
    world.build("FROM base:1\nRUN echo in time > /file\n");
}

#[test]
fn what_cannot_be_built_is_said_with_its_place() {
    let Some(world) = World::new("what_cannot_be_built_is_said_with_its_place") else { return };
    world.file("a", "").file("b", "");
    insta::assert_snapshot!(world.fail("FROM nowhere:1\n"), @r"
        error: failed to read the image `docker.io/library/nowhere:1`: the layout `[world]/bases` has no image `docker.io/library/nowhere:1` for linux/amd64
         --> Dockerfile:1:1
          |
        1 | FROM nowhere:1
          | ^^^^^^^^^^^^^^
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nADD https://example.com/x /\n"), @r"
        error: failed to download `https://example.com/x`: nothing is there
         --> Dockerfile:2:5
          |
        2 | ADD https://example.com/x /
          |     ^^^^^^^^^^^^^^^^^^^^^
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nCOPY --chown=who a /\n"), @r"
        error: the image has no user `who`
         --> Dockerfile:2:1
          |
        2 | COPY --chown=who a /
          | ^^^^^^^^^^^^^^^^^^^^
        hint: make it in an earlier `RUN`: useradd who
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nCOPY a b /file\n"), @r"
        error: several files cannot become the one file `/file`
         --> Dockerfile:2:1
          |
        2 | COPY a b /file
          | ^^^^^^^^^^^^^^
        hint: write `/file/` for a directory
        ");
    insta::assert_snapshot!(world.fail("FROM base:1\nCOPY --from=later a /\nFROM base:1 AS later\n\
         FROM base:1\nCOPY --from=0 / /\n"), @r"
        error: `later` is this stage or a later one
         --> Dockerfile:2:13
          |
        2 | COPY --from=later a /
          |             ^^^^^
        hint: a stage can use the stages before it; move that one up
        ");
}

#[test]
fn a_source_that_a_stage_lacks_names_the_stage() {
    let Some(world) = World::new("a_source_that_a_stage_lacks_names_the_stage") else { return };
    let report = world.fail("FROM base:1 AS tools\nFROM base:1\nCOPY --from=tools /nothing /\n");
    assert!(report.starts_with("error: `/nothing` matches no file in `tools`"), "{report}");
}
