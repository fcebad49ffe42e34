//! The frame of a command: from the process's arguments to its exit code.

mod order;

use std::{
    path::PathBuf,
    process::{ExitCode, Termination},
    time::Duration,
};

use clap::Parser;

use crate::{Environment, Failure, Kind, Ui, ui};

/// What a command gets from the process it runs in, taken once.
#[derive(Clone, Debug)]
pub struct Session {
    /// The way to the person.
    pub ui: Ui,
    /// The environment.
    pub environment: Environment,
    /// The current directory.
    pub current: PathBuf,
}

impl Session {
    /// Takes the surroundings of this process.
    fn of_process(ui: Ui, environment: Environment) -> Result<Self, Failure> {
        let current = std::env::current_dir().map_err(|error| {
            Failure::new(Kind::Configuration, error)
                .with_hint("the current directory is gone; go to one that exists")
        })?;
        Ok(Self { ui, environment, current })
    }
}

/// A command line that says how its program speaks.
pub trait CommandLine: Parser {
    /// Returns what the flags of the output ask for.
    fn output(&self) -> ui::Options;
}

/// Parses the arguments of this process, carries out `run`, reports its failure, and returns the exit code.
///
/// The whole of a binary's `main`, but for what must come before: no thread has been started when `run` is called. A flag may
/// stand before the name of a command or behind it. What `run` returns says how a success ends: `()`, or an exit code where there is
/// more than one way to succeed.
pub fn main<C: CommandLine, T: Termination>(
    run: impl FnOnce(&Session, C) -> Result<T, Failure>,
) -> ExitCode {
    let words = order::behind_the_name(&C::command(), std::env::args_os().collect());
    let line = match C::try_parse_from(words) {
        Ok(line) => line,
        Err(error) => {
            // `--help` and `--version` are "errors" that go to stdout and are a success.
            let _ = error.print();
            return if error.use_stderr() { Kind::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let environment = Environment::of_process();
    let ui = Ui::on_stderr(line.output(), &environment);
    match Session::of_process(ui.clone(), environment).and_then(|session| run(&session, line)) {
        Ok(success) => success.report(),
        Err(failure) => {
            ui.report(&failure);
            failure.kind().into()
        }
    }
}

/// Carries out `future` on a runtime of its own; the process has threads from here on.
///
/// What is left running when it ends gets as long as `linger`: work that was stopped may have something to put in order,
/// while a read of stdin or a plugin that hangs would only keep a person waiting.
///
/// # Errors
///
/// Those of `future`, and when no thread can be started.
pub fn block_on<T>(
    linger: Duration,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Internal, error))?;
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(linger);
    result
}
