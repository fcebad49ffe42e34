//! What does not work: one line, the place, a hint, the right exit code, and nothing left behind.

use std::{io::Read, process::Stdio};

use notes_testkit::registry::{Fault, Login, Matching, PASSWORD};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_repository() {
    let Some(world) = World::new("no_repository").await else { return };
    let outside = tempfile::tempdir().unwrap();
    let failure = world.run_in(outside.path(), &[]).failure();
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0, "nothing is left");
    let failure = failure.replace(outside.path().to_str().unwrap(), "OUTSIDE");
    insta::assert_snapshot!(failure, @r"
    error: `OUTSIDE` is not in a git repository
    hint: run it inside a clone, or `git init` and commit first
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_commit() {
    let Some(world) = World::new("no_commit").await else { return };
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: the branch `main` has no commit yet
    hint: commit something first
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_ci_job_names_and_the_clone_lacks() {
    let test = "a_commit_that_the_ci_job_names_and_the_clone_lacks";
    let Some(mut world) = World::new(test).await else { return };
    world.commit("FROM scratch\n");
    world.set("CI_COMMIT_SHA", "0123456789012345678901234567890123456789");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: `0123456789012345678901234567890123456789` names no commit of this repository
    hint: a branch, a tag or a commit is meant; `git fetch` brings what is new
    hint: `CI_COMMIT_SHA` says so; `--commit HEAD` builds what is checked out
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_dockerfile() {
    let Some(world) = World::new("no_dockerfile").await else { return };
    world.repository.commit("Nothing");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: there is no `Dockerfile` in commit 73d3521
    hint: name another with `--file`, or `dockerfile` in notes.toml
    exit code 3
    ");
    world.repository.write("Dockerfile", "FROM scratch\n");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: there is no `Dockerfile` in commit 73d3521
    hint: `Dockerfile` is in the working directory but not committed; commit it, or build with `--worktree`
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_image_name() {
    let Some(world) = World::new("no_image_name").await else { return };
    world.commit("FROM scratch\n");
    insta::assert_snapshot!(world.failure(&[]), @r"
    error: there is no name to push the image under
    hint: set `image` in notes.toml, `--image` or `NOTES_IMAGE`; `--no-push` and `--output` need none
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error() {
    let Some(world) = World::new("a_syntax_error").await else { return };
    world.commit("FROM scratch\nCOPPY . /\n");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: `Dockerfile` line 2: unknown instruction `COPPY`
     --> Dockerfile:2:1
      |
    2 | COPPY . /
      | ^^^^^
    hint: did you mean `COPY`?
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_not_there_or_is_hidden() {
    let Some(world) = World::new("a_source_that_is_not_there_or_is_hidden").await else { return };
    world.commit("FROM scratch\nCOPY secret.txt /\n");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: `secret.txt` matches no file in the build context
     --> Dockerfile:2:6
      |
    2 | COPY secret.txt /
      |      ^^^^^^^^^^
    hint: sources are relative to the root of the context, and only committed files are in it
    exit code 3
    ");
    world.commit_files(&[("secret.txt", "s"), (".dockerignore", "# not for images\n*.txt\n")]);
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: `secret.txt` matches no file in the build context
     --> Dockerfile:2:6
      |
    2 | COPY secret.txt /
      |      ^^^^^^^^^^
    hint: line 2 of `.dockerignore` excludes it
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_fails() {
    let test = "a_command_that_fails";
    let Some(world) = World::with_base(test).await else { return };
    world.commit("FROM busybox:1\nRUN echo working; exit 3\n");
    let ran = world.build(&[]);
    assert!(ran.stderr.contains("| working\n"), "{ran}");
    insta::assert_snapshot!(ran.failure(), @r"
    error: the command failed with exit status 3
     --> Dockerfile:2:1
      |
    2 | RUN echo working; exit 3
      | ^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 8
    ");
    insta::assert_snapshot!(world.fail(&["--quiet"]), @r"
    error: the command failed with exit status 3
      | working
     --> Dockerfile:2:1
      |
    2 | RUN echo working; exit 3
      | ^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 8
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_not_in_the_image() {
    let Some(world) = World::with_base("a_command_that_is_not_in_the_image").await else { return };
    world.commit("FROM busybox:1\nRUN curl --version\n");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: the command failed with exit status 127
     --> Dockerfile:2:1
      |
    2 | RUN curl --version
      | ^^^^^^^^^^^^^^^^^^
    hint: `curl` is not in the image, and nothing that installs packages: run it in an earlier stage and copy what it makes
    exit code 8
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_cannot_be_written() {
    let Some(world) = World::new("a_result_that_cannot_be_written").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    for flag in ["--digest-file", "--iidfile", "--metadata-file", "--dotenv"] {
        let failure = world.fail(&[flag, "missing/file"]);
        assert!(failure.starts_with("error: failed to use `REPOSITORY/missing/file`"), "{failure}");
        assert!(world.registry.take_lines().is_empty(), "nothing was begun");
    }
    let failure = world.fail(&["-o", "type=tar,dest=missing/file.tar"]);
    assert!(failure.contains("missing/file.tar"), "{failure}");

    let kept = world.repository.write("../kept", "of the build before");
    world.commit("FROM scratch\nCOPY missing /\n");
    let _ = world.fail(&["--digest-file", "../kept", "--iidfile", "../made"]);
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "of the build before");
    assert!(!world.repository.path().join("../made").exists(), "no empty file is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_that_is_not_there() {
    let Some(world) = World::new("a_base_that_is_not_there").await else { return };
    world.commit(&format!("FROM {}/no/base:1\nCOPY . /\n", world.registry.registry()));
    let failure = world.fail(&[]);
    let hint = "hint: check its name and tag; the registry has no such image\nexit code 3";
    assert!(failure.starts_with("error: there is no image `REGISTRY/no/base:1`"), "{failure}");
    assert!(failure.contains(" --> Dockerfile:1:1\n") && failure.ends_with(hint), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down() {
    let Some(world) = World::new("a_registry_that_is_down").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    // Port 1 is reserved and nothing listens there.
    let failure = world.failure(&["--image", "127.0.0.1:1/team/app"]);
    insta::assert_snapshot!(failure, @r"
    error: failed to push `127.0.0.1:1/team/app:a65e89e`: `HEAD http://127.0.0.1:1/v2/team/app/manifests/a65e89e` failed: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: nothing listens there; is the registry running, and the port right?
    exit code 5
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_of_bases_that_is_down() {
    let Some(world) = World::new("a_registry_of_bases_that_is_down").await else { return };
    world.commit("FROM 127.0.0.1:1/team/base:1\nCOPY . /\n");
    insta::assert_snapshot!(world.fail(&[]), @r"
    error: failed to read `127.0.0.1:1/team/base:1`: `GET http://127.0.0.1:1/v2/team/base/manifests/1` failed: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
     --> Dockerfile:1:1
      |
    1 | FROM 127.0.0.1:1/team/base:1
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: nothing listens there; is the registry running, and the port right?
    exit code 5
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_fails_in_the_middle_of_a_push() {
    let test = "a_registry_that_fails_in_the_middle_of_a_push";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    // As often as it is asked: what passes by is tried again.
    for _ in 0..100 {
        let manifests = Matching::method("PUT").path("/manifests/");
        world.registry.plan(manifests, Fault::TooManyRequests(0));
    }
    let failure = world.fail(&[]);
    assert!(failure.ends_with("exit code 5"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_takes_too_long() {
    let test = "a_command_that_takes_too_long";
    let Some(world) = World::with_base(test).await else { return };
    world.repository.write("notes.toml", "[build]\nrun-timeout = \"1s\"\n");
    world
        .commit("FROM busybox:1\nENV MARK=takes-too-long\nRUN echo begun; sleep 600 & sleep 600\n");
    insta::assert_snapshot!(world.fail(&["--quiet"]), @r"
    error: the command took longer than 1 s and was ended
      | begun
     --> Dockerfile:3:1
      |
    3 | RUN echo begun; sleep 600 & sleep 600
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: `build.run-timeout` is `1s` (notes.toml:2); `--run-timeout` sets another, 0 none
    exit code 70
    ");
    assert_eq!(world.running("takes-too-long"), <[String; 0]>::default());
    world.commit("FROM busybox:1\nRUN sleep 2\n");
    let _ = world.build(&["--run-timeout", "10m"]).digest();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_that_exists_with_another_digest() {
    let Some(world) = World::new("a_tag_that_exists_with_another_digest").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let first = world.build(&[]);
    let failure = world.fail(&["--label", "extra=1"]);
    assert!(failure.contains(first.digest()) && failure.ends_with("exit code 6"), "{failure}");
    assert!(failure.contains("hint: the same commit gave another image before"), "{failure}");
    let moved = world.build(&["--label", "extra=1", "--allow-retag"]);
    assert_ne!(moved.digest(), first.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settings_file_with_a_misspelt_key() {
    let Some(world) = World::new("a_settings_file_with_a_misspelt_key").await else { return };
    world.repository.write("notes.toml", "[build]\ndockerfil = \"Dockerfile\"\n");
    world.commit("FROM scratch\n");
    insta::assert_snapshot!(world.fail(&[]), @r#"
    error: unknown key `build.dockerfil` in `notes.toml` line 2
     --> notes.toml:2:1
      |
    2 | dockerfil = "Dockerfile"
      | ^^^^^^^^^
    hint: did you mean `dockerfile`?
    exit code 3
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_that_does_not_exist() {
    let Some(world) = World::new("a_flag_that_does_not_exist").await else { return };
    let ran = world.run(&["--platfrom", "linux/amd64"]);
    assert_eq!(ran.status, 2, "{ran}");
    assert!(ran.stderr.contains("--platform"), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_ends_a_build_and_its_command() {
    let test = "a_signal_ends_a_build_and_its_command";
    let Some(world) = World::with_base(test).await else { return };
    world.commit("FROM busybox:1\nRUN echo under way; sleep 600\n");
    let image = world.image();
    let mut command = world.command(world.repository.path(), &["--image", &image]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut said = Vec::new();
    // No sleep: the command's own line says that it runs.
    while !String::from_utf8_lossy(&said).contains("under way\n") {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&said));
        said.extend(byte);
    }
    let interrupted =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    stderr.read_to_end(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let said = String::from_utf8_lossy(&said);
    assert!(said.ends_with("error: stopped by Ctrl-C\n"), "{said}");
    assert_eq!(world.left_behind(), <[std::path::PathBuf; 0]>::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials() {
    let Some(mut world) = World::with_login("wrong_credentials", Login::Token).await else {
        return;
    };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let without = world.fail(&[]);
    assert!(without.ends_with("exit code 4"), "{without}");
    let registry = world.registry.registry().to_string();
    world.set("CI_REGISTRY", &registry);
    world.set("CI_REGISTRY_USER", "user");
    world.set("CI_REGISTRY_PASSWORD", "wrong-password");
    let wrong = world.fail(&[]);
    assert!(wrong.ends_with("exit code 4") && wrong.contains("hint:"), "{wrong}");
    assert!(!wrong.contains("wrong-password"), "{wrong}");
    world.commit(&format!("FROM {registry}/team/base:1\nCOPY Dockerfile /\n"));
    let of_base = world.fail(&[]);
    assert!(of_base.ends_with("exit code 4"), "{of_base}");
    assert!(of_base.contains(" --> Dockerfile:1:1\n") && of_base.contains("hint:"), "{of_base}");
    world.set("CI_REGISTRY_PASSWORD", PASSWORD);
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let _ = world.build(&[]).digest();
}
