//! Where the Dockerfile comes from.

use std::fs;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dockerfile_on_stdin() {
    let Some(world) = World::new("a_dockerfile_on_stdin").await else { return };
    world.commit_files(&[("a.txt", "a"), ("b.txt", "b"), (".dockerignore", "b.txt\n")]);
    let image = world.image();
    let arguments = ["--image", &image, "--file", "-", "--output", "type=local,dest=../out"];
    let out = world.repository.path().join("../out");
    let ran = world.run_with("FROM scratch\nCOPY . /\n", &arguments);
    let _ = ran.digest();
    assert_eq!(fs::read_to_string(out.join("a.txt")).unwrap(), "a");
    assert!(!out.join("b.txt").exists(), "the context's ignore file counts");
    fs::remove_dir_all(out).unwrap();

    let failure = world.run_with("FROM scratch\nCOPPY . /\n", &["--file", "-", "--no-push"]);
    insta::assert_snapshot!(failure.failure(), @r"
    error: `stdin` line 2: unknown instruction `COPPY`
     --> stdin:2:1
      |
    2 | COPPY . /
      | ^^^^^
    hint: did you mean `COPY`?
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dockerfile_outside_of_the_repository() {
    let test = "a_dockerfile_outside_of_the_repository";
    let Some(world) = World::new(test).await else { return };
    world.commit_files(&[("a.txt", "a"), ("b.txt", "b"), (".dockerignore", "a.txt\n")]);
    let outside = tempfile::tempdir().unwrap();
    let dockerfile = outside.path().join("App.Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").unwrap();
    // The ignore file beside the Dockerfile goes before the context's.
    fs::write(outside.path().join("App.Dockerfile.dockerignore"), "b.txt\n.docker*\n").unwrap();
    let out = outside.path().join("out");
    let output = format!("type=local,dest={}", out.display());
    let _ = world.run(&["--file", dockerfile.to_str().unwrap(), "-o", &output]).digest();
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.txt"]);

    let failure = world.run(&["--file", "/nowhere/Dockerfile", "--no-push"]).failure();
    insta::assert_snapshot!(failure, @r"
    error: there is no Dockerfile `/nowhere/Dockerfile`
    hint: it is outside of the repository, and was looked for on the disk
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_is_built_alone() {
    let Some(world) = World::new("a_stage_is_built_alone").await else { return };
    world.commit("FROM scratch AS first\nCOPY Dockerfile /first\nFROM nowhere:1\nCOPY . /\n");
    let _ = world.run(&["--target", "First", "--no-push"]).digest();
    let failure = world.run(&["--target", "frist", "--no-push"]).failure();
    insta::assert_snapshot!(failure, @r"
    error: the Dockerfile has no stage `frist`
    hint: the stages are `first`
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn build_arguments_come_from_the_flag_or_the_environment() {
    let test = "build_arguments_come_from_the_flag_or_the_environment";
    let Some(mut world) = World::new(test).await else { return };
    world.commit("FROM scratch\nARG A=0\nARG B\nENV SEEN=$A-$B\n");
    world.set("B", "from-the-environment");
    let ran = world.build(&["--build-arg", "A=1,2", "--build-arg", "B", "--build-arg", "C=3"]);
    let digest = ran.digest();
    assert!(ran.stderr.contains("warning: no `ARG` declares the build argument `C`"), "{ran}");
    let image = world.pull(&format!("team/app@{digest}"), "linux/amd64").await;
    assert!(image.config().config.env.contains(&"SEEN=1,2-from-the-environment".into()));
}
