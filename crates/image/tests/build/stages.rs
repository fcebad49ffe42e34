//! Stages: side by side where they can be, not at all where nobody needs them.

use serde_json::json;

use crate::world::World;

/// Two stages that can only end if both run at once: each waits for the other's sign in a directory they share.
const MEETING: &str = "FROM base:1 AS one
RUN --mount=type=cache,id=meeting,target=/meeting touch /meeting/one; \\
    n=0; until test -e /meeting/two || test $n = 200; do sleep 0.1; n=$((n + 1)); done; test -e /meeting/two && echo one > /out
FROM base:1 AS two
RUN --mount=type=cache,id=meeting,target=/meeting touch /meeting/two; \\
    n=0; until test -e /meeting/one || test $n = 200; do sleep 0.1; n=$((n + 1)); done; test -e /meeting/one && echo two > /out
FROM scratch
COPY --from=one /out /one
COPY --from=two /out /two
";

#[test]
fn independent_stages_are_built_at_the_same_time() {
    let Some(world) = World::new("independent_stages_are_built_at_the_same_time") else { return };
    let built = world.build(MEETING);
    assert_eq!((built.text("one"), built.text("two")), ("one\n".into(), "two\n".into()));
    let steps: Vec<_> = built.answer["steps"].as_array().unwrap().iter().collect();
    let stages: Vec<_> = steps.iter().map(|step| step["name"]["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["one", "two", "2", "2"], "steps are told in the order of the file");
}

#[test]
fn a_failure_ends_what_runs_beside_it() {
    let Some(world) = World::new("a_failure_ends_what_runs_beside_it") else { return };
    let begun = std::time::Instant::now();
    let report = world.fail(
        "FROM base:1 AS slow\n\
         RUN --mount=type=cache,id=meeting,target=/meeting touch /meeting/begun && sleep 100 && echo > /out\n\
         FROM base:1 AS failing\n\
         RUN --mount=type=cache,id=meeting,target=/meeting \
             until test -e /meeting/begun; do sleep 0.1; done; echo it fails; exit 7\n\
         FROM scratch\n\
         COPY --from=slow /out /slow\n\
         COPY --from=failing /out /failing\n",
    );
    assert!(
        report.contains("the command failed with exit status 7") && report.contains("it fails"),
        "{report}"
    );
    assert!(begun.elapsed().as_secs() < 60, "the other stage was ended");
    let drafts = std::fs::read_dir(world.path("store/drafts")).unwrap().count();
    assert_eq!(drafts, 0, "nothing is left of either");
}

#[test]
fn two_steps_that_want_each_others_caches_do_not_wait_for_ever() {
    let test = "two_steps_that_want_each_others_caches_do_not_wait_for_ever";
    let Some(world) = World::new(test) else { return };
    let run = |first: &str, second: &str| {
        format!(
            "RUN --mount=type=cache,id={first},sharing=locked,target=/first \
             --mount=type=cache,id={second},sharing=locked,target=/second sleep 0.2; echo > /out\n"
        )
    };
    let dockerfile = format!(
        "FROM base:1 AS one\n{}FROM base:1 AS two\n{}FROM scratch\nCOPY --from=one /out /one\nCOPY --from=two /out /two\n",
        run("a", "b"),
        run("b", "a")
    );
    world.build(&dockerfile);
}

#[test]
fn a_stage_that_nobody_needs_is_neither_built_nor_its_base_looked_up() {
    let test = "a_stage_that_nobody_needs_is_neither_built_nor_its_base_looked_up";
    let Some(mut world) = World::new(test) else { return };
    let dockerfile = "FROM nowhere:1 AS unused\nRUN false\nFROM base:1 AS used\nRUN echo > /out\n\
         FROM used AS last\nRUN false\n";
    world.options.insert("target", json!("used"));
    assert_eq!(world.build(dockerfile).outcomes(), ["ran"]);
}
