//! `cargo xtask test`: everything, once, with one summary.

use std::{
    env,
    error::Error,
    ffi::OsString,
    process::{Command, ExitCode},
    time::Instant,
};

use clap::ValueEnum as _;
use notes_testkit::{
    LONG_VARIABLE, Length,
    cluster::{KUBECONFIG_VARIABLE, Package, install_missing},
    process,
    tools::Tool,
};

use crate::{
    apps, cargo,
    cli::TestOptions,
    cluster, compare,
    demo::{self, App, Programs, database},
    docker, output, program,
    summary::{CargoTest, Summary},
};

/// A step: its name, and what runs it.
type Step = (&'static str, fn(Run) -> Result<Summary, Box<dyn Error>>);

/// What the steps of one run have in common.
#[derive(Clone, Copy)]
struct Run {
    programs: Programs,
    length: Length,
}

/// A variable that leads tests to what runs for them.
pub(crate) type Variable = (&'static str, OsString);

const STEPS: &[Step] = &[
    ("fmt", |_| fmt()),
    ("clippy", |_| clippy()),
    ("cargo test", |run| cargo_test(run.length)),
    ("app", |_| apps::run()),
    ("compare", |run| compare::sample(run.programs)),
    ("demo", |run| whole_road(run.programs)),
    ("pipeline", |run| pipeline(run.programs)),
];

/// What tests run beside our own programs: other people's registries, clients and shells. Where one is missing and cannot
/// be installed, its tests skip themselves.
const PACKAGES: [Package; 8] = [
    Package { name: "git", shown_by: "git" },
    Package { name: "busybox-static", shown_by: "/var/lib/dpkg/info/busybox-static.list" },
    Package { name: "docker-registry", shown_by: "docker-registry" },
    Package { name: "skopeo", shown_by: "skopeo" },
    Package { name: "buildah", shown_by: "buildah" },
    Package { name: "uidmap", shown_by: "newuidmap" },
    Package { name: "python3-venv", shown_by: "/var/lib/dpkg/info/python3-venv.list" },
    Package { name: "rsync", shown_by: "rsync" },
];

/// Runs the steps one after the other; a failure does not keep the next from running.
pub(crate) fn run(options: &TestOptions) -> ExitCode {
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| name.contains(only));
    // The step `cargo test` builds them too, for the tests that run them.
    let programs = if options.only.is_none() { Programs::Built } else { Programs::ToBuild };
    if options.only.is_none() {
        install();
    }
    let run = Run { programs, length: options.length() };
    let mut all = Summary::default();
    for (name, step) in STEPS.iter().filter(|(name, _)| wanted(name)) {
        output::say(&format!("==> {name}"));
        let started = Instant::now();
        let counts = step(run).unwrap_or_else(|error| {
            crate::report(error.as_ref());
            let mut failed = Summary::default();
            failed.fail(name);
            failed
        });
        output::say(&format!("    {name}: {counts} ({:.0} s)", started.elapsed().as_secs_f32()));
        all.add(counts);
    }
    report(&all);
    if all.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn install() {
    if let Err(error) = install_missing(&PACKAGES, "the tests", &mut output::say) {
        crate::report(&error);
    }
    if let Err(error) = database::install(&output::say) {
        crate::report(error.as_ref());
    }
    // Without Go, the tests that want these skip themselves.
    if process::find("go").is_some() {
        for tool in Tool::ALL {
            if let Err(error) = tool.build(&mut |line| output::say(line)) {
                crate::report(&error);
            }
        }
    }
}

/// Names what was skipped and what failed, and ends with the counts alone on a line.
fn report(all: &Summary) {
    for skipped in all.skipped() {
        output::result(&format!("SKIPPED {skipped}"));
    }
    for failed in all.failed() {
        output::result(&format!("FAILED {failed}"));
    }
    output::result(&all.to_string());
}

fn cargo_with(arguments: &[&str]) -> Command {
    let mut command = cargo::command();
    command.args(arguments);
    command
}

fn fmt() -> Result<Summary, Box<dyn Error>> {
    check("fmt", &mut cargo_with(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<Summary, Box<dyn Error>> {
    check(
        "clippy",
        &mut cargo_with(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )
}

/// A command that passes or fails as a whole.
fn check(name: &str, command: &mut Command) -> Result<Summary, Box<dyn Error>> {
    let mut summary = Summary::default();
    if process::stream(command, output::say)?.success() {
        summary.pass();
    } else {
        summary.fail(name);
    }
    Ok(summary)
}

/// Unit, doc and integration tests of the workspace, built once, with docker and a cluster from the first provider that is
/// there.
///
/// Without them, the tests that need them skip themselves. What ran before stays.
fn cargo_test(length: Length) -> Result<Summary, Box<dyn Error>> {
    let long = length.choose(vec![], vec![(LONG_VARIABLE, "1".into())]);
    // A machine that should have docker or a cluster and does not is no reason to call their tests skipped.
    match docker::Session::begin() {
        Ok(docker) => cargo_test_with_cluster(&[long, docker.environment()].concat()),
        Err(error) => {
            crate::report(&error);
            cargo_test_with_cluster(&long).map(|summary| failed_as_well(summary, "docker"))
        }
    }
}

fn cargo_test_with_cluster(environment: &[Variable]) -> Result<Summary, Box<dyn Error>> {
    let Ok(provider) = cluster::provider() else { return cargo_test_with(environment) };
    let found = provider.status(&mut |_| {})?;
    let tested = match provider.clone().start(&mut |line| output::say(line)) {
        Ok(cluster) => {
            let kubeconfig = (KUBECONFIG_VARIABLE, cluster.kubeconfig.into_os_string());
            cargo_test_with(&[environment, &[kubeconfig]].concat())
        }
        Err(error) => {
            crate::report(&error);
            cargo_test_with(environment).map(|summary| failed_as_well(summary, "cluster"))
        }
    };
    if !found {
        provider.stop(&mut |line| output::say(line))?;
    }
    tested
}

fn failed_as_well(mut summary: Summary, name: &str) -> Summary {
    summary.fail(name);
    summary
}

/// How the test harness is told how many tests run at once.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// `--show-output`, because a test that skips itself may say so in output that the harness otherwise hides.
fn cargo_test_with(environment: &[Variable]) -> Result<Summary, Box<dyn Error>> {
    let mut counts = CargoTest::default();
    let mut screen = Screen::default();
    let mut command = cargo_with(&["test", "--workspace", "--no-fail-fast", "--", "--show-output"]);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    if env::var_os(TEST_THREADS).is_none() {
        command.env(TEST_THREADS, program::at_a_time().to_string());
    }
    let status = process::stream(&mut command, |line| {
        counts.line(line);
        if screen.shows(line) {
            output::say(line);
        }
    })?;
    Ok(counts.finish(status.success()))
}

/// The whole road, from HEAD to pods that answer, as a person runs it: for each example application.
fn whole_road(programs: Programs) -> Result<Summary, Box<dyn Error>> {
    let mut summary = Summary::default();
    if let Err(missing) = cluster::provider() {
        summary.skip("demo", &missing.to_string());
        return Ok(summary);
    }
    for app in App::value_variants() {
        let name = app.to_possible_value().expect("no app is hidden").get_name().to_owned();
        let mut demo = Command::new(env::current_exe()?);
        demo.args(["demo", &name]);
        if programs == Programs::Built {
            demo.arg("--built");
        }
        summary.add(check(&format!("demo {name}"), &mut demo)?);
    }
    Ok(summary)
}

/// The example's .gitlab-ci.yml, from a bare repository to running pods.
fn pipeline(programs: Programs) -> Result<Summary, Box<dyn Error>> {
    let mut summary = Summary::default();
    if let Err(missing) = cluster::provider() {
        summary.skip("pipeline", &missing.to_string());
        return Ok(summary);
    }
    let mut skipped = None;
    let succeeded = demo::pipeline(programs, |line| {
        output::say(line);
        skipped =
            skipped.take().or_else(|| line.strip_prefix("SKIPPED gitlab-ci: ").map(str::to_owned));
    })?;
    match skipped {
        Some(reason) => summary.skip("pipeline", &reason),
        None if succeeded => summary.pass(),
        None => summary.fail("pipeline"),
    }
    Ok(summary)
}

/// What of the tests' output a person wants to see: errors, failures, and nothing of what passed.
#[derive(Debug, Default)]
struct Screen {
    within_successes: bool,
}

impl Screen {
    fn shows(&mut self, line: &str) -> bool {
        match line {
            "successes:" => self.within_successes = true,
            "failures:" => self.within_successes = false,
            _ if line.starts_with("test result: ") => self.within_successes = false,
            _ => {}
        }
        let passed = line.starts_with("test ") && line.ends_with(" ... ok");
        let empty = line.is_empty()
            || line.starts_with("test result: ok. 0 passed")
            || line == "running 0 tests";
        !self.within_successes && !passed && !empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_leaves_out_what_passed() {
        let mut screen = Screen::default();
        let output = "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\nsuccesses:\n\n---- a stdout ----\nnoise\n\nfailures:\n\n---- b stdout ----\npanicked\ntest result: FAILED. 1 passed";
        let shown: Vec<_> = output.lines().filter(|line| screen.shows(line)).collect();
        assert_eq!(
            shown,
            [
                "running 2 tests",
                "test b ... FAILED",
                "failures:",
                "---- b stdout ----",
                "panicked",
                "test result: FAILED. 1 passed"
            ]
        );
    }
}
