//! Further contexts: directories, and images of registries and layouts.

use std::fs;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_replaces_a_stage_and_is_copied_from() {
    let test = "a_directory_replaces_a_stage_and_is_copied_from";
    let Some(world) = World::new(test).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["stage", "other"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join(name), name).unwrap();
    }
    fs::write(path("stage/ignored"), "").unwrap();
    fs::write(path("stage/.dockerignore"), "ignored\n.dockerignore\n").unwrap();
    world.commit(
        "FROM nowhere:1 AS build\nRUN false\nFROM scratch\n\
         COPY --from=build / /\nCOPY --from=other other /\n",
    );
    let given = |name: &str, value: &str| format!("{name}={}", path(value).display());
    let (stage, other) = (given("build", "stage"), given("other", "other"));
    let contexts = ["--build-context", stage.as_str(), "--build-context", other.as_str()];
    let output = format!("type=local,dest={}", path("out").display());
    let _ = world.run(&[&["-o", output.as_str()], &contexts[..]].concat()).digest();
    let entries = fs::read_dir(path("out")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["other", "stage"]);

    let shown = world.run(&[&["config", "show"], &contexts[..]].concat());
    assert!(shown.stdout.contains(&stage) && shown.stdout.contains(&other), "{shown}");
    let explained = world.run(&[&["explain"], &contexts[..]].concat());
    assert_eq!(explained.status, 0, "{explained}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_of_a_registry_replaces_a_base() {
    let test = "an_image_of_a_registry_replaces_a_base";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nENV OF_BASE=1\n");
    let _ = world.build(&["--tag", "base"]).digest();
    world.commit("FROM nowhere:1\nENV OF_APP=1\n");
    let context = format!("nowhere:1=docker-image://{}:base", world.image());
    let ran = world.build(&["--build-context", &context]);
    let image = world.pull(&format!("team/app@{}", ran.digest()), "linux/amd64").await;
    let variables = &image.config().config.env;
    assert!(["OF_BASE=1", "OF_APP=1"].iter().all(|it| variables.contains(&(*it).into())), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_of_a_layout_replaces_a_base() {
    let test = "an_image_of_a_layout_replaces_a_base";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nENV OF_BASE=1\nCOPY Dockerfile /\n");
    let base = world.run(&["--image", "docker.io/a/b", "-t", "v1", "-o", &world.layout("base")]);
    let directory = world.home().join("base");
    world.commit("FROM nowhere:1\nENV OF_APP=$OF_BASE$OF_NOBODY\n");
    for identifier in [":v1".to_owned(), format!("@{}", base.digest())] {
        let context = format!("nowhere:1=oci-layout://{}{identifier}", directory.display());
        let ran = world.build(&["--build-context", &context]);
        let image = world.pull(&format!("team/app@{}", ran.digest()), "linux/amd64").await;
        assert!(image.config().config.env.contains(&"OF_APP=1".into()), "{ran}");
        assert_eq!(image.layers().len(), 1);
        // The name that it is looked up by means nothing elsewhere.
        let annotations = &image.manifest().annotations;
        let of_base = |name| annotations.get(&format!("org.opencontainers.image.base.{name}"));
        assert_eq!((of_base("name"), of_base("digest")), (None, Some(&base.digest().to_owned())));
        let checked = world.run(&["check", "--build-context", &context]);
        assert!(checked.stderr.contains("OF_NOBODY"), "{checked}");
        assert!(!checked.stderr.contains("unknown"), "{checked}");
    }

    let absent = format!("nowhere:1=oci-layout://{}:v2", directory.display());
    let failure = world.fail(&["--build-context", &absent]);
    let hint = failure.lines().find(|line| line.starts_with("hint:")).unwrap();
    assert!(hint.starts_with("hint: it has `:") && hint.contains("`:v1`"), "{failure}");
    insta::assert_snapshot!(failure.replace(hint, "hint"), @r"
    error: the layout `HOME/base:v2` has no such image for linux/amd64
     --> Dockerfile:1:1
      |
    1 | FROM nowhere:1
      | ^^^^^^^^^^^^^^
    hint
    exit code 3
    ");
    let failure = world.fail(&["--build-context", "nowhere:1=oci-layout:///nowhere"]);
    insta::assert_snapshot!(failure, @r"
    error: `/nowhere` is not an image layout: it has no `oci-layout` file of version 1
     --> Dockerfile:1:1
      |
    1 | FROM nowhere:1
      | ^^^^^^^^^^^^^^
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_that_cannot_be_meant_are_refused() {
    let test = "contexts_that_cannot_be_meant_are_refused";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM base\n");
    let failures = [
        &["docs"][..],
        &["a=nowhere"],
        &["a=https://example.com/a.git"],
        &["a=docker-image://A B"],
        &["a=.", "A=docker-image://b"],
    ]
    .map(|given| {
        let arguments: Vec<_> = given.iter().flat_map(|it| ["--build-context", it]).collect();
        world.fail(&arguments)
    });
    insta::assert_snapshot!(failures.join("\n\n"), @r"
    error: `--build-context docs` has no name
    hint: write `--build-context NAME=DIR`, `NAME=docker-image://REF` or `NAME=oci-layout://DIR`
    exit code 2

    error: the context `a` is to be `REPOSITORY/nowhere`, which is no directory
    hint: an image is named by `docker-image://REF`, a layout by `oci-layout://DIR`
    exit code 3

    error: `--build-context a=https://…` is not supported
    hint: fetch it in an earlier CI job, and name the directory
    exit code 2

    error: `A B` is not a repository name
    hint: repository names are lower-case: `a b`
    exit code 3

    error: the context `A` is given twice
    exit code 2
    ");
}
