//! Shows what this machine offers, and runs one command: the whole of the crate from a command line.
//!
//! `sandbox-probe` prints the rung, the reason and what was refused. `sandbox-probe run` reads
//! a list of [`Command`]s as JSON from standard input, runs all at once, and prints a list of
//! [`Answer`]s as JSON; `sandbox-probe chain` runs one after the other, each on top of what the one
//! before left; `sandbox-probe cancel` cancels each when it first says something; `sandbox-probe view`
//! lists the merged root directory of a [`Root`]. A second word forces a rung. The tests of the crate
//! use it to run as another user and in a process that can be killed.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use notes_sandbox::changes::{Kind, changes};
use notes_sandbox::{Cancel, Captured, Command, Exit, Options, Output, Root, Sandbox};
use serde::Serialize;

fn main() -> ExitCode {
    notes_sandbox::init();
    match answer() {
        Ok(text) => {
            let mut stdout = io::stdout().lock();
            let printed = writeln!(stdout, "{text}");
            ExitCode::from(u8::from(printed.is_err()))
        }
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<String, Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1);
    let isolation = std::env::args().nth(2).map(|name| name.parse()).transpose()?;
    let options = Options { isolation, ..Options::default() };
    match argument.as_deref() {
        None => Ok(describe(&notes_sandbox::probe(&options)?)),
        Some(word @ ("run" | "cancel")) => {
            let commands: Vec<Command> = serde_json::from_reader(io::stdin().lock())?;
            let sandbox = notes_sandbox::enter(&options)?;
            let sandbox = &sandbox;
            let answers: Vec<Answer> = thread::scope(|scope| {
                let start = |command| scope.spawn(move || run(sandbox, command, word));
                let started: Vec<_> = commands.iter().map(start).collect();
                started.into_iter().map(|one| one.join().expect("running does not panic")).collect()
            });
            Ok(serde_json::to_string_pretty(&answers)?)
        }
        Some("chain") => {
            let commands: Vec<Command> = serde_json::from_reader(io::stdin().lock())?;
            let sandbox = notes_sandbox::enter(&options)?;
            Ok(serde_json::to_string_pretty(&chain_of(&sandbox, commands))?)
        }
        Some("view") => {
            let root: Root = serde_json::from_reader(io::stdin().lock())?;
            let sandbox = notes_sandbox::enter(&options)?;
            let view = sandbox.view(&root.lowers, &root.work)?;
            let names = std::fs::read_dir(view.path())?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<std::collections::BTreeSet<_>>>()?;
            Ok(serde_json::to_string(&names)?)
        }
        Some(other) => {
            Err(format!("`{other}` is none of `run`, `chain`, `cancel` and `view`").into())
        }
    }
}

fn describe(probe: &notes_sandbox::Probe) -> String {
    let mut lines =
        vec![format!("isolation: {}", probe.isolation), format!("reason: {}", probe.reason)];
    for refusal in &probe.refused {
        lines.push(format!("not {}: {}", refusal.isolation, refusal.reason));
        lines.extend(refusal.remedy.iter().map(|remedy| format!("  remedy: {remedy}")));
    }
    lines.join("\n")
}

/// What became of a command.
#[derive(Debug, Serialize)]
struct Answer {
    exit: Option<Exit>,
    stdout: String,
    stderr: String,
    error: Option<String>,
    hint: Option<String>,
    /// One letter (`A`, `C`, `R`, `D`), a space and the path.
    changes: Vec<String>,
    ids: String,
    seconds: f64,
}

/// Runs commands one after the other, the upper directories of those before among the lower ones of
/// each; their copies lie in the first one's work directory.
fn chain_of(sandbox: &Sandbox, commands: Vec<Command>) -> Vec<Answer> {
    let keep = commands.first().map(|command| command.root.work.clone());
    let mut uppers = Vec::new();
    let run = |mut command: Command| {
        command.root.keep.clone_from(&keep);
        command.root.lowers.extend(uppers.iter().cloned());
        let answer = run(sandbox, &command, "run");
        if Path::new(&command.root.upper).read_dir().is_ok_and(|mut it| it.next().is_some()) {
            uppers.push(command.root.upper);
        }
        answer
    };
    commands.into_iter().map(run).collect()
}

fn run(sandbox: &Sandbox, command: &Command, word: &str) -> Answer {
    let cancel = match word {
        "cancel" => Cancel::new().expect("there are descriptors left"),
        _ => Cancel::default(),
    };
    let mut output = Watching { captured: Captured::default(), cancel: cancel.clone() };
    let started = std::time::Instant::now();
    let result = sandbox.run(command, &mut output, &cancel);
    let seconds = started.elapsed().as_secs_f64();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let error = result.as_ref().err();
    Answer {
        exit: result.as_ref().ok().copied(),
        error: error.map(chain),
        hint: error.and_then(notes_sandbox::RunError::hint),
        stdout: text(output.captured.stdout),
        stderr: text(output.captured.stderr),
        changes: listed(&command.root),
        ids: sandbox.ids().to_string(),
        seconds,
    }
}

/// Keeps the output, and throws the switch when there is some.
#[derive(Debug)]
struct Watching {
    captured: Captured,
    cancel: Cancel,
}

impl Output for Watching {
    fn stdout(&mut self, chunk: &[u8]) {
        self.captured.stdout(chunk);
        self.cancel.cancel();
    }

    fn stderr(&mut self, chunk: &[u8]) {
        self.captured.stderr(chunk);
    }
}

fn listed(root: &Root) -> Vec<String> {
    let changes = changes(&root.upper, &root.lowers).unwrap_or_default();
    changes
        .into_iter()
        .map(|change| {
            let letter = match change.kind {
                Kind::Added => 'A',
                Kind::Changed => 'C',
                Kind::Replaced => 'R',
                Kind::Removed => 'D',
            };
            format!("{letter} {}", change.path.display())
        })
        .collect()
}

fn chain(error: &notes_sandbox::RunError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
