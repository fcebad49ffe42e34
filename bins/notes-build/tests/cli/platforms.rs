//! Images of several platforms under one name.

use std::fs;

use crate::world::World;

const BOTH: &str = "linux/amd64,linux/arm64";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_platforms_become_one_index() {
    let Some(world) = World::new("several_platforms_become_one_index").await else { return };
    world.commit("FROM scratch\nARG TARGETARCH\nENV ARCH=$TARGETARCH\nCOPY Dockerfile /\n");
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let metadata = directory.path().join("metadata.json");
    let arguments = [
        "--platform",
        BOTH,
        "--annotation",
        "index:a=b",
        "--metadata-file",
        metadata.to_str().unwrap(),
        "-o",
        "type=registry",
        "-o",
        &format!("type=local,dest={}", out.display()),
        "-o",
        &format!("type=oci,dest={}", directory.path().join("layout").display()),
    ];
    let ran = world.build(&arguments);
    let digest = ran.digest().to_owned();

    // The images by their digests, then the index with the tag.
    let lines = world.registry.take_lines();
    let puts: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("PUT") && line.contains("/manifests/"))
        .collect();
    assert_eq!(puts.len(), 3, "{puts:#?}");
    assert!(puts[..2].iter().all(|line| line.contains("/manifests/sha256:")), "{puts:#?}");
    assert!(!puts[2].contains("sha256:"), "{puts:#?}");

    let mut images = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let platform = format!("linux/{architecture}");
        let image = world.pull(&format!("team/app@{digest}"), &platform).await;
        assert_eq!(image.config().platform.to_string(), platform);
        assert!(image.config().config.env.contains(&format!("ARCH={architecture}")));
        assert!(out.join(format!("linux_{architecture}/Dockerfile")).is_file());
        images.push(image.digest().to_string());
    }
    let read: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&metadata).unwrap()).unwrap();
    assert_eq!(read["containerimage.digest"], digest);
    assert_eq!(
        read["containerimage.descriptor"]["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let summaries = read["notes"]["images"].as_array().unwrap();
    let digests: Vec<_> = summaries.iter().map(|image| image["digest"].as_str().unwrap()).collect();
    assert_eq!(digests, images);

    world.registry.take_lines();
    let again = world.build(&arguments);
    assert_eq!(again.digest(), digest);
    let requests = world.registry.take_lines();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    let explained = world.run(&["explain", "--platform", BOTH]);
    assert_eq!(
        (explained.status, explained.stdout.matches("linux/a").count()),
        (0, 2),
        "{explained}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_was_written_to_a_layout_is_pushed_whole() {
    let test = "an_index_that_was_written_to_a_layout_is_pushed_whole";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    for platforms in [BOTH, "linux/arm64"] {
        let directory = tempfile::tempdir().unwrap();
        let layout = directory.path().display().to_string();
        let written =
            world.run(&["--platform", platforms, "-o", &format!("type=oci,dest={layout}")]);
        let name = format!("{}:{}", world.image(), platforms.len());
        let pushed = world.run(&["push", &layout, &name]);
        assert_eq!(pushed.digest(), written.digest());
        let _ = world.pull(&format!("team/app@{}", pushed.digest()), "linux/arm64").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_does_not_move_to_an_index() {
    let Some(world) = World::new("a_tag_does_not_move_to_an_index").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let first = world.build(&[]);
    let failure = world.build(&["--platform", BOTH]).failure();
    assert!(failure.contains(first.digest()) && failure.ends_with("exit code 6"), "{failure}");
    let moved = world.build(&["--platform", BOTH, "--allow-retag"]);
    assert_ne!(moved.digest(), first.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_for_another_platform_is_refused_with_its_line() {
    let test = "a_command_for_another_platform_is_refused_with_its_line";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM base:1 AS build\nRUN make\nFROM build\nCOPY . /\n");
    let failure = world.build(&["--platform", "linux/s390x"]).failure();
    insta::assert_snapshot!(failure, @r"
    error: this command is for linux/s390x, and this machine runs linux/amd64
     --> Dockerfile:2:1
      |
    2 | RUN make
      | ^^^^^^^^
    hint: run it in a stage `FROM --platform=$BUILDPLATFORM` and copy what it makes, or build on a machine for linux/s390x
    exit code 3
    ");
    let archive = world.build(&["--platform", BOTH, "-o", "type=docker,dest=app.tar"]).failure();
    insta::assert_snapshot!(archive, @r"
    error: `--output type=docker` holds one platform, and several are built
    hint: write `type=oci`, which holds them all, or name one platform
    exit code 2
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_for_another_platform_is_refused_before_any_work() {
    let test = "a_trigger_for_another_platform_is_refused_before_any_work";
    let Some(world) = World::new(test).await else { return };
    let both = "linux/amd64,linux/s390x";
    let arguments = ["--platform", both, "-o", "type=oci,dest=../layout"];
    world.commit("FROM scratch AS base\nONBUILD RUN make\nFROM base\nCOPY . /\n");
    let own = world.build(&arguments).failure();
    insta::assert_snapshot!(own, @r"
    error: this command is for linux/s390x, and this machine runs linux/amd64
     --> Dockerfile:3:1
      |
    3 | FROM base
      | ^^^^^^^^^
    hint: run it in a stage `FROM --platform=$BUILDPLATFORM` and copy what it makes, or build on a machine for linux/s390x
    exit code 3
    ");

    world.commit("FROM scratch\nCOPY Dockerfile /\nONBUILD RUN make\n");
    let _ = world.build(&["--platform", both, "--tag", "base"]).digest();
    world.commit(&format!("FROM {}:base\nCOPY . /\n", world.image()));
    let of_base = world.build(&arguments).failure();
    assert!(of_base.contains("this command is for linux/s390x"), "{of_base}");
    assert!(of_base.contains(" --> Dockerfile:1:1\n"), "{of_base}");
    let checked = world.run(&["check", "--platform", both]).failure();
    assert_eq!(checked, of_base);
    assert!(!world.repository.path().join("../layout").exists());
    let offline = world.run(&["check", "--offline", "--platform", both]);
    assert_eq!(offline.status, 0, "{offline}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_on_the_build_platform_serves_every_platform() {
    let test = "a_command_on_the_build_platform_serves_every_platform";
    let Some(world) = World::with_base(test).await else { return };
    world.commit(
        "FROM --platform=$BUILDPLATFORM busybox:1 AS build\nARG TARGETARCH\nRUN echo $TARGETARCH > /made\n\
         FROM scratch\nCOPY --from=build /made /\n",
    );
    let directory = tempfile::tempdir().unwrap();
    let output = format!("type=local,dest={}", directory.path().display());
    let _ = world.run(&["--platform", "linux/amd64,linux/s390x", "-o", &output]).digest();
    for architecture in ["amd64", "s390x"] {
        let made = directory.path().join(format!("linux_{architecture}/made"));
        assert_eq!(fs::read_to_string(made).unwrap().trim_end(), architecture);
    }
}
