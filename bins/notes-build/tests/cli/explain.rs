//! `explain`: what each step of the last build did, and why.

use crate::world::World;

const DOCKERFILE: &str = "FROM busybox:1 AS build\n\
    ARG VERSION\n\
    COPY lib /lib\n\
    RUN echo $VERSION > /version\n\
    FROM busybox:1\n\
    ENV A=b\n\
    COPY --from=build /version /\n\
    COPY app.txt /\n";

/// The lines of the last build's explanation, without the first: it names the machine's isolation.
fn explained(world: &World, arguments: &[&str]) -> String {
    let ran = world.run(&[&["explain"], arguments].concat());
    assert_eq!(ran.status, 0, "{ran}");
    ran.stdout.split_once('\n').unwrap().1.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_says_what_it_did_and_which_input_changed() {
    let test = "every_step_says_what_it_did_and_which_input_changed";
    let Some(world) = World::with_base(test).await else { return };
    let files = [("lib/a.txt", "1"), ("lib/deep/b.txt", "1"), ("app.txt", "1")];
    world.commit_files(&[&[("Dockerfile", DOCKERFILE)], &files[..]].concat());
    let _ = world.build(&["--build-arg", "VERSION=1"]).digest();
    insta::assert_snapshot!(explained(&world, &[]), @r"
    config  [build 1/3] ARG VERSION
       ran  [build 2/3] COPY lib /lib
            because there is no earlier build to compare with
       ran  [build 3/3] RUN echo $VERSION > /version
            because there is no earlier build to compare with
    config  [1 1/3] ENV A=b
       ran  [1 2/3] COPY --from=build /version /
            because there is no earlier build to compare with
       ran  [1 3/3] COPY app.txt /
            because there is no earlier build to compare with
    ");

    world.commit_files(&[("lib/deep/b.txt", "2"), ("lib/c.txt", "1")]);
    let _ = world.build(&["--build-arg", "VERSION=2"]).digest();
    insta::assert_snapshot!(explained(&world, &[]), @r"
    config  [build 1/3] ARG VERSION
       ran  [build 2/3] COPY lib /lib
            because `lib/c.txt` is new
            because `lib/deep/b.txt` changed
       ran  [build 3/3] RUN echo $VERSION > /version
            because the argument `VERSION` changed
            because what is below it changed, with [build 2/3]
    config  [1 1/3] ENV A=b
       ran  [1 2/3] COPY --from=build /version /
            because stage `build` changed
       ran  [1 3/3] COPY app.txt /
            because what is below it changed, with [1 2/3]
    ");

    let _ = world.build(&["--build-arg", "VERSION=2", "--no-cache"]).digest();
    let anew = explained(&world, &[]);
    let reason = "because no cache was asked; its input is that of the build before";
    assert_eq!(anew.matches(reason).count(), 4, "{anew}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_never_built_compares_with_the_build_in_the_cache() {
    let test = "a_machine_that_never_built_compares_with_the_build_in_the_cache";
    let Some(world) = World::with_base(test).await else { return };
    world.commit_files(&[("Dockerfile", DOCKERFILE), ("lib/a.txt", "1"), ("app.txt", "1")]);
    let cache = format!("{}:cache", world.image());
    let _ = world.build(&["--cache-to", &cache]).digest();
    world.commit_files(&[("app.txt", "2")]);
    let store = tempfile::tempdir().unwrap();
    let store = ["--store", store.path().to_str().unwrap()];
    let _ = world.build(&[&store[..], &["--cache-from", &cache]].concat()).digest();
    insta::assert_snapshot!(explained(&world, &store), @r"
    config  [build 1/3] ARG VERSION
    cached  [build 2/3] COPY lib /lib (from REGISTRY/team/app:cache)
    cached  [build 3/3] RUN echo $VERSION > /version (from REGISTRY/team/app:cache)
    config  [1 1/3] ENV A=b
    cached  [1 2/3] COPY --from=build /version / (from REGISTRY/team/app:cache)
       ran  [1 3/3] COPY app.txt /
            because `app.txt` changed
    ");
}
