//! What a command costs more in the sandbox than on the bare machine: `cargo bench -p notes-sandbox`, with busybox-static.
//!
//! Fails when it takes longer than [`LIMIT`] times as long, so that it can stand in a pipeline.

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    os::unix::fs::symlink,
    path::Path,
    process::{self, ExitCode},
    time::{Duration, Instant},
};

use notes_sandbox::{Cancel, Captured, Command, Options, Root, Sandbox};

const BUSYBOX: &str = "/bin/busybox";
const ROUNDS: usize = 5;
const LIMIT: f64 = 1.1;
/// Processes, files that are written, read, changed and removed: what installers do, and what isolation makes dearer.
const SCRIPT: &str = r#"
set -e
i=0
while [ $i -lt 1500 ]; do
    i=$((i + 1))
    echo "line $i" > file-$i
    /bin/busybox cat file-$i >> all
    [ $((i % 3)) = 0 ] || rm file-$i
done
/bin/busybox sha256sum all > sum
"#;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    notes_sandbox::init();
    let sandbox = notes_sandbox::enter(&Options::default())?;
    let directory = tempfile::tempdir()?;
    let lower = directory.path().join("lower");
    fs::create_dir_all(lower.join("bin"))?;
    fs::create_dir_all(lower.join("tmp"))?;
    fs::copy(BUSYBOX, lower.join("bin/busybox"))?;
    symlink("busybox", lower.join("bin/sh"))?;
    let (mut bare, mut inside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let directory = directory.path().join(round.to_string());
        bare.push(run_bare(&directory.join("bare"))?);
        inside.push(run_inside(&sandbox, &lower, &directory)?);
    }
    let (bare, inside) = (median(bare), median(inside));
    let ratio = inside.as_secs_f64() / bare.as_secs_f64();
    writeln!(
        io::stdout(),
        "1,500 processes and files, medians of {ROUNDS}: {bare:.2?} bare, {inside:.2?} in the sandbox ({:?}), {ratio:.2} times (limit {LIMIT})",
        sandbox.isolation(),
    )?;
    Ok(if ratio > LIMIT { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_bare(directory: &Path) -> Result<Duration, Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    let start = Instant::now();
    let status = process::Command::new(BUSYBOX)
        .args(["sh", "-c", SCRIPT])
        .current_dir(directory)
        .status()?;
    let took = start.elapsed();
    if status.success() { Ok(took) } else { Err(format!("the command failed: {status}").into()) }
}

fn run_inside(
    sandbox: &Sandbox,
    lower: &Path,
    directory: &Path,
) -> Result<Duration, Box<dyn Error>> {
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    let mut command =
        Command::new(Root::new(vec![lower.to_owned()], upper, work), ["/bin/sh", "-c", SCRIPT]);
    command.directory = "/tmp".into();
    let mut output = Captured::default();
    let start = Instant::now();
    let exit = sandbox.run(&command, &mut output, &Cancel::default())?;
    let took = start.elapsed();
    if exit.is_success() { Ok(took) } else { Err(format!("the command failed: {output:?}").into()) }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
