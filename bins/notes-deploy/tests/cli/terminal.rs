//! What a person at a terminal sees: `script` of util-linux gives the program one.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use notes_testkit::skip;

use crate::{
    ground::Ground,
    web::Web,
    world::{Ended, Place},
};

const SCRIPT: &str = "/usr/bin/script";

/// Runs what `command` would run in a terminal of its own, and returns all that the terminal got.
fn in_a_terminal(command: &Command, directory: &Path) -> Ended {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let child = Command::new(SCRIPT)
        .args(["--quiet", "--return", "--flush", "--command", &line.join(" "), "/dev/null"])
        .current_dir(directory)
        .env_clear()
        .envs(variables)
        .env("TERM", "xterm")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Ended::of(child.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_a_table_and_a_pipe_lines() {
    let test = "a_terminal_shows_a_table_and_a_pipe_lines";
    if !Path::new(SCRIPT).exists() {
        return skip(test, "there is no `script` (util-linux)");
    }
    let Some(ground) = Ground::prepare(test).await else { return };
    let Some(place) = Place::find(test).await else { return };
    let release = |round| Web { seconds: 2, round, ..Web::default() }.to_string();
    fs::write(place.directory.path().join("k8s.yaml"), release(0)).unwrap();
    let image = ground.image.to_string();
    let arguments = ["-f", "k8s.yaml", "--image", &image];
    let seen = in_a_terminal(&place.command(&arguments), place.directory.path());
    assert_eq!(seen.code, Some(0), "{seen}");
    // The head, a row that was drawn more than once, and the escape codes that take the table away.
    let rows = seen.stdout.matches("deployment/web  0/1").count();
    assert!(seen.stdout.contains("AVAILABLE  STATE") && rows > 0, "{seen}");
    assert!(seen.stdout.contains("\x1b[2K"), "{seen}");
    assert!(!seen.stdout.contains("Rollout"), "{seen}");
    let end = seen.stdout.rsplit("\x1b[2K").next().unwrap();
    assert!(!end.contains("AVAILABLE") && end.contains("Deployed"), "{seen}");

    fs::write(place.directory.path().join("k8s.yaml"), release(1)).unwrap();
    let piped = place.run(&arguments);
    assert!(piped.stderr.contains("     Rollout Waiting for deployment \"web\""), "{piped}");
    assert!(!piped.stderr.contains("AVAILABLE") && !piped.stderr.contains('\x1b'), "{piped}");
}
