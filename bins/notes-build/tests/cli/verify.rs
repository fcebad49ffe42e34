//! `verify`: an image is what its commit builds, or the first file that differs is named.

use crate::world::World;

/// The one reference that a build pushed, with its digest.
fn build(world: &World, arguments: &[&str]) -> String {
    let ran = world.build(arguments);
    let digest = ran.digest().to_owned();
    format!("{}@{digest}", world.image())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_what_its_commit_builds_whatever_is_checked_out_and_however_the_base_moved() {
    let test =
        "an_image_is_what_its_commit_builds_whatever_is_checked_out_and_however_the_base_moved";
    let Some(world) = World::with_base(test).await else { return };
    world.repository.git(&["remote", "add", "origin", "https://example.com/team/app.git"]);
    world.commit_files(&[
        ("Dockerfile", "FROM busybox:1\nARG A=1\nCOPY a.txt /\nRUN echo $A > /b\n"),
        ("notes.toml", "[build.args]\nA = \"2\"\n"),
        ("a.txt", "1"),
    ]);
    let reference = build(&world, &["--tag-length", "12"]);
    // Later commits, another address and another base under the same tag are not what it was built from.
    world.commit_files(&[("a.txt", "2"), ("notes.toml", "[build.args]\nA = \"3\"\n")]);
    world.repository.git(&["remote", "set-url", "origin", "git@example.com:team/app.git"]);
    let image = format!("{}/library/busybox", world.registry.registry());
    world.repository.write("base/Dockerfile", "FROM scratch\nCOPY Dockerfile /new\n");
    world.repository.commit("Another base");
    let moved = ["--image", &image, "--tag", "1", "--allow-retag", "--context", "base"];
    let _ = world.run(&moved).digest();
    let verified = world.run(&["verify", &reference]);
    assert_eq!(verified.digest(), reference.split_once('@').unwrap().1);
    assert!(verified.stderr.contains("Ran [0 3/3] RUN echo $A > /b"), "{verified}");
    assert!(verified.stderr.contains("Verified REGISTRY/team/app"), "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_writes_the_time_is_found_with_its_file() {
    let test = "a_command_that_writes_the_time_is_found_with_its_file";
    let Some(world) = World::with_base(test).await else { return };
    // Nothing in a layer is younger than its step, so the time has to be in a file.
    world.commit_files(&[
        ("Dockerfile", "FROM busybox:1\nCOPY a /a\nRUN cat /proc/uptime > /stamp && echo > /other\nCOPY a /b\n"),
        ("a", "1"),
    ]);
    let reference = build(&world, &[]);
    let differs = world.run(&["verify", &reference]);
    assert_eq!(differs.status, 11, "{differs}");
    let (digest, commit) = (
        reference.split_once('@').unwrap().1,
        world.repository.git(&["rev-parse", "--short=7", "HEAD"]),
    );
    let failure = differs.failure().replace(digest, "DIGEST").replace(commit.trim(), "COMMIT");
    let failure = failure.split("hint: the rebuilt").next().unwrap().trim_end().to_owned();
    insta::assert_snapshot!(failure, @r"
    error: `REGISTRY/team/app@DIGEST` is not what commit COMMIT builds: layer 3 of 4, of `RUN /bin/sh -c cat /proc/uptime > /stamp && echo > /other`, differs in `/stamp` (content)
    hint: the command depends on more than the commit: the time, chance, the network or a cache; tools that know `SOURCE_DATE_EPOCH` write that time
    ");
    // What it found goes nowhere: the next build is the one that was pushed.
    assert_eq!(world.build(&[]).digest(), digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_setting_is_found_in_the_config() {
    let test = "another_setting_is_found_in_the_config";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nARG A\nENV A=$A\nCOPY Dockerfile /\n");
    let reference = build(&world, &["--build-arg", "A=1"]);
    let differs = world.run(&["verify", &reference]);
    assert_eq!(differs.status, 11, "{differs}");
    assert!(
        differs.stderr.contains("`config.Env.1` of its config is `\"A=1\"`, and `\"A=\"` is built"),
        "{differs}"
    );
    let same = world.run(&["verify", &reference, "--build-arg", "A=1"]);
    assert_eq!(same.status, 0, "{same}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_verified_says_why() {
    let test = "what_cannot_be_verified_says_why";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let failure = |reference: &str, arguments: &[&str]| {
        world.run(&[&["verify", reference], arguments].concat()).failure()
    };
    let reference = build(&world, &[]);
    insta::assert_snapshot!(failure(&reference, &["--commit", "HEAD"]), @r"
    error: `--commit` means nothing to `verify`
    hint: the image says that
    exit code 2
    ");
    let elsewhere = format!("{}/team/none:1", world.registry.registry());
    let missing = failure(&elsewhere, &[]);
    assert!(missing.starts_with("error: there is no image `REGISTRY/team/none:1`"), "{missing}");
    assert!(missing.ends_with("exit code 3"), "{missing}");
    let platform = failure(&reference, &["--platform", "linux/s390x"]);
    assert!(platform.contains("is for linux/amd64, not for linux/s390x"), "{platform}");

    world.repository.write("more", "1");
    let dirty = build(&world, &["--worktree"]);
    assert!(failure(&dirty, &[]).contains("was built from files that were not committed"));
    world.repository.git(&["add", "more"]);
    world.repository.git(&["commit", "--quiet", "--amend", "--message", "Amended"]);
    world.repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repository.git(&["gc", "--quiet", "--prune=now"]);
    let gone = failure(&reference, &[]);
    assert!(gone.contains("which is not in this repository"), "{gone}");

    let foreign = ["--label", "org.opencontainers.image.revision=main", "--tag", "foreign"];
    let foreign = build(&world, &foreign);
    assert!(failure(&foreign, &[]).contains("names `main`, which is no id of a commit"));
}
