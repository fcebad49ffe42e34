//! What works.

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_becomes_a_pushed_image_and_the_second_time_nothing_is_done() {
    let test = "a_commit_becomes_a_pushed_image_and_the_second_time_nothing_is_done";
    let Some(world) = World::with_base(test).await else { return };
    world.repository.write("app.txt", "hello\n");
    world.commit(
        "FROM busybox:1 AS build\nWORKDIR /work\nCOPY app.txt .\nRUN cat app.txt > made.txt\n\
         FROM busybox:1\nCOPY --from=build /work/made.txt /\nUSER 10001\n",
    );
    let first = world.build(&[]);
    let digest = first.digest().to_owned();
    assert!(first.stdout.starts_with("REGISTRY/team/app@sha256:"), "{first}");
    assert!(first.stderr.contains("RUN cat app.txt > made.txt"), "{first}");

    world.registry.take_lines();
    let second = world.build(&[]);
    assert_eq!(second.digest(), digest);
    let requests = world.registry.take_lines();
    assert!(!requests.iter().any(|line| line.contains("uploads")), "{requests:#?}");
    assert!(requests.len() <= 5, "{requests:#?}");
    assert!(!second.stderr.contains("Ran ["), "{second}");
    assert_eq!(world.left_behind(), <[std::path::PathBuf; 0]>::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_in_a_subdirectory_is_built_from_its_notes_toml() {
    let test = "an_app_in_a_subdirectory_is_built_from_its_notes_toml";
    let Some(world) = World::new(test).await else { return };
    let settings = format!("image = \"{}\"\n[build]\ntag-length = 12\n", world.image());
    world.repository.write("apps/one/notes.toml", settings);
    world.repository.write("apps/one/Dockerfile", "FROM scratch\nCOPY here.txt /\n");
    world.repository.write("apps/one/here.txt", "1");
    world.repository.write("elsewhere.txt", "2");
    let commit = world.repository.commit("One");
    let inside = world.repository.path().join("apps/one");
    let ran = world.run_in(&inside, &[]);
    let _ = ran.digest();
    assert!(ran.stderr.contains(&format!("REGISTRY/team/app:{}", &commit[..12])), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_committed_is_named_and_not_included() {
    let test = "what_is_not_committed_is_named_and_not_included";
    let Some(world) = World::new(test).await else { return };
    world.repository.write("a.txt", "a");
    world.commit("FROM scratch\nCOPY . /\n");
    let clean = world.build(&[]);
    world.repository.write("a.txt", "changed, and longer");
    world.repository.write("b.txt", "b");
    let dirty = world.build(&[]);
    assert_eq!(dirty.digest(), clean.digest());
    let line = dirty.stderr.lines().find(|line| line.starts_with("warning:")).unwrap();
    assert_eq!(
        line,
        "warning: not in the image, since not committed: 1 modified and 1 untracked (a.txt, b.txt)"
    );
    let lying = world.build(&["--worktree"]);
    assert_ne!(lying.digest(), clean.digest());
    assert!(lying.stderr.contains("-dirty in"), "{lying}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_commit_gives_the_same_digest_in_another_place_under_another_umask() {
    let test = "the_same_commit_gives_the_same_digest_in_another_place_under_another_umask";
    let Some(world) = World::new(test).await else { return };
    world.repository.write("a/b.txt", "b");
    world.commit("FROM scratch\nCOPY . /app/\nENV A=1\n");
    let first = world.build(&[]);
    let elsewhere = tempfile::tempdir().unwrap();
    let from = world.repository.path().to_str().unwrap();
    world.repository.git_in(elsewhere.path(), &["clone", "--quiet", from, "clone"]);
    let clone = elsewhere.path().join("clone");
    let script = format!(
        "umask 0000; export TZ=Asia/Tokyo LC_ALL=C.UTF-8; exec {} --no-push --store {}/store",
        env!("CARGO_BIN_EXE_notes-build"),
        elsewhere.path().display()
    );
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(clone).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.trim_end().ends_with(first.digest()), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_handed_over_in_files() {
    let Some(world) = World::new("results_are_handed_over_in_files").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (digest, dotenv, metadata) = (path("digest"), path("env"), path("metadata"));
    let (layout, archive) = (path("layout"), path("app.tar"));
    let ran = world.build(&[
        "--digest-file",
        &digest,
        "--dotenv",
        &dotenv,
        "--metadata-file",
        &metadata,
        "-o",
        "type=registry",
        "-o",
        &format!("type=oci,dest={layout}"),
        "-o",
        &format!("type=docker,dest={archive}"),
    ]);
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&digest).trim_end(), ran.digest());
    let reference = format!("NOTES_BUILD_REF={}@{}", world.image(), ran.digest());
    assert!(read(&dotenv).lines().any(|line| line == reference), "{}", read(&dotenv));
    assert!(read(&metadata).contains("org.opencontainers.image.revision"));
    assert!(std::path::Path::new(&layout).join("index.json").exists());
    assert!(std::fs::metadata(&archive).unwrap().len() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_to_a_layout_is_pushed_by_a_later_job() {
    let test = "what_was_written_to_a_layout_is_pushed_by_a_later_job";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let built = world.run(&["-o", "type=oci,dest=layout"]);
    let name = format!("{}:1", world.image());
    let pushed = world.run(&["push", "layout", &name]);
    assert_eq!(pushed.digest(), built.digest());
    assert!(pushed.stderr.contains("Pushed REGISTRY/team/app:1 in"), "{pushed}");

    world.commit("FROM scratch\nCOPY Dockerfile /other\n");
    let _ = world.run(&["-o", "type=oci,dest=other"]).digest();
    let refused = world.run(&["push", "other", &name]);
    assert_eq!(refused.status, 6, "{refused}");
    let absent = world.run(&["push", "nowhere", &name]);
    insta::assert_snapshot!(absent.failure(), @r"
    error: `REPOSITORY/nowhere` is not an image layout: it has no `oci-layout` file of version 1
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_show_names_every_origin() {
    let Some(mut world) = World::new("config_show_names_every_origin").await else { return };
    world.repository.write("notes.toml", "image = \"docker.io/user/app\"\n");
    world.commit("FROM scratch\n");
    world.set("NOTES_BUILD_TARGET", "app");
    let ran = world.run(&["config", "show", "--tag-length", "9"]);
    insta::assert_snapshot!(ran, @r"
    commit             HEAD                          default
    image              docker.io/user/app            notes.toml:1
    build.context      .                             default
    build.dockerfile   Dockerfile                    default
    build.target       app                           NOTES_BUILD_TARGET
    build.platform     linux/amd64                   default
    build.tag-length   9                             --tag-length
    build.tags         -                             default
    build.args         -                             default
    build.labels       -                             default
    build.annotations  -                             default
    build.secrets      -                             default
    build.ssh          -                             default
    build.contexts     -                             default
    build.store        HOME/.cache/notes  the cache directory
    build.cache-from   -                             default
    build.cache-to     -                             default
    build.isolation    -                             default
    build.run-timeout  -                             default
    registry.mirrors   -                             default
    registry.insecure  -                             default
    exit code 0
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_means_the_same_in_front_of_a_command() {
    let test = "a_flag_means_the_same_in_front_of_a_command";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\n");
    let behind = world.run(&["config", "show", "--store", "elsewhere", "-q"]);
    let in_front = world.run(&["--store", "elsewhere", "-q", "config", "show"]);
    assert!(behind.stdout.contains("REPOSITORY/elsewhere  --store"), "{behind}");
    assert_eq!(in_front.to_string(), behind.to_string());
    let refused = world.run(&["--no-push", "prune"]);
    assert_eq!(refused.status, 2, "{refused}");
    assert!(refused.stderr.contains("'--no-push'"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dockerfile_that_asks_for_the_commit_gets_it() {
    let test = "a_dockerfile_that_asks_for_the_commit_gets_it";
    let Some(world) = World::new(test).await else { return };
    let commit = |dockerfile: &str| {
        world.repository.write("Dockerfile", dockerfile);
        world.repository.commit("Change")
    };
    let dockerfile = "FROM scratch\nARG NOTES_COMMIT=unknown\nENV NOTES_COMMIT=$NOTES_COMMIT\n";
    let id = commit(dockerfile);
    let built = world.build(&["--output", &world.layout("first")]);
    let _ = built.digest();
    assert!(!built.stderr.contains("warning"), "{built}");
    let config = world.config("first");
    assert!(config.contains(&format!("\"NOTES_COMMIT={id}\"")), "{config}");

    let given = ["--output", &world.layout("given"), "--build-arg", "NOTES_COMMIT=v1"];
    let _ = world.build(&given).digest();
    let config = world.config("given");
    assert!(config.contains("\"NOTES_COMMIT=v1\""), "{config}");

    // Who does not ask gets no warning, and no build for nothing.
    commit("FROM scratch\nCOPY Dockerfile /\n");
    let first = world.build(&["--no-push"]);
    commit("FROM scratch\nCOPY Dockerfile /\n");
    let second = world.build(&["--no-push"]);
    assert!(
        !second.stderr.contains("warning") && !second.stderr.contains("Ran ["),
        "{first}{second}"
    );
}
