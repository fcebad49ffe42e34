//! Secrets: a command sees them, and nothing else has them afterwards.

use std::{fs, path::Path, process::Command};

use crate::world::World;

/// What must be nowhere.
const CANARY: &str = "canary-5f70bf18a0c3";

/// Returns the files below `root` that hold the canary.
fn found(root: &Path) -> Vec<String> {
    holding(root, CANARY)
}

/// Returns the files below `root` that hold `text`, compressed ones read as what they are.
pub(crate) fn holding(root: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if path.display().to_string().contains(text) {
            found.push(path.display().to_string());
        }
        if metadata.is_dir() {
            found.extend(holding(&path, text));
        } else if metadata.is_file() {
            let plain = fs::read(&path).unwrap();
            let unpacked = Command::new("gzip").arg("-dc").arg(&path).output().unwrap().stdout;
            let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|it| it == text.as_bytes());
            if holds(&plain) || holds(&unpacked) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_seen_by_its_command_and_kept_nowhere() {
    let test = "a_secret_is_seen_by_its_command_and_kept_nowhere";
    let Some(mut world) = World::with_base(test).await else { return };
    // What a secret makes may be in the image; its length is enough to see that it was there.
    world.commit(
        "FROM busybox:1\n\
         RUN --mount=type=secret,id=file,required --mount=type=secret,id=variable,env=TOKEN \
         cat /run/secrets/file && echo $TOKEN && echo ${#TOKEN} > /length\n",
    );
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let secret = tempfile::tempdir().unwrap();
    let file = secret.path().join("token");
    fs::write(&file, CANARY).unwrap();
    world.set("NPM_TOKEN", CANARY);
    let secrets = [
        "--secret".to_owned(),
        format!("id=file,src={}", file.display()),
        "--secret".to_owned(),
        "id=variable,env=NPM_TOKEN".to_owned(),
    ];
    let mut arguments: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let others = [
        "--metadata-file".to_owned(),
        path("metadata.json"),
        "--dotenv".to_owned(),
        path("env"),
        "-o".to_owned(),
        format!("type=local,dest={}", path("files")),
        "-o".to_owned(),
        format!("type=docker,dest={}", path("docker.tar")),
        "-o".to_owned(),
        "type=registry".to_owned(),
        "-vv".to_owned(),
        "--cache-to".to_owned(),
        format!("{}:cache,mode=max,ignore-error=false", world.image()),
    ];
    arguments.extend(others.iter().map(String::as_str));
    let ran = world.build(&arguments);
    let _ = ran.digest();
    assert!(ran.stderr.contains("| [secret][secret]"), "{ran}");
    assert!(!format!("{ran}").contains(CANARY), "{ran}");
    let length = fs::read_to_string(Path::new(&path("files")).join("length")).unwrap();
    assert_eq!(length.trim_end(), CANARY.len().to_string());

    let shown = world.run(&[&["config", "show"][..], &arguments[..4]].concat());
    assert!(shown.stdout.contains("id=variable,env=NPM_TOKEN"), "{shown}");
    assert!(!format!("{shown}").contains(CANARY), "{shown}");
    for root in [directory.path(), &world.store(), world.registry.directory()] {
        assert_eq!(found(root), <[String; 0]>::default());
    }
    assert_eq!(found(secret.path()).len(), 1, "the search finds what is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_secret_is_no_reason_to_run_again() {
    let test = "another_secret_is_no_reason_to_run_again";
    let Some(mut world) = World::with_base(test).await else { return };
    world.commit("FROM busybox:1\nRUN --mount=type=secret,id=a true\n");
    world.set("A", "one-secret");
    let first = world.build(&["--secret", "id=a,env=A"]);
    world.set("A", "another-secret");
    let second = world.build(&["--secret", "id=a,env=A"]);
    assert_eq!(second.digest(), first.digest());
    assert!(!second.stderr.contains("Ran ["), "{second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_missing_or_written_into_the_flag() {
    let test = "a_secret_that_is_missing_or_written_into_the_flag";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\n");
    insta::assert_snapshot!(world.build(&["--secret", "id=a,env=NONE"]).failure(), @r"
    error: the secret `a` is to come from `NONE`, which is not set
    hint: in CI, a protected variable is set on protected branches and tags alone
    exit code 3
    ");
    insta::assert_snapshot!(world.build(&["--secret", "id=a,value=hunter2"]).failure(), @r"
    error: `--secret` has no `value` here
    hint: the keys are type, id, src, source, env
    exit code 2
    ");
}
