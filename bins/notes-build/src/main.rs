//! Builds the image of a commit and pushes it.

mod archive;
mod cli;
mod commands;
mod context;
mod dockerfile;
mod failure;
mod handover;
mod output;
mod project;
mod record;
mod registry;
mod reporter;
mod session;
mod settings;
mod signal;

use std::process::ExitCode;

use clap::Parser as _;
use notes_console::{Environment, Failure, Kind, Ui};

use cli::{Cli, Command, ConfigCommand};
use session::Session;

fn main() -> ExitCode {
    // The first line, before any thread: a RUN is this program started again.
    notes_sandbox::init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are "errors" that go to stdout and are a success.
            let _ = error.print();
            return if error.use_stderr() { Kind::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let environment = Environment::of_process();
    let ui = Ui::on_stderr(cli.output.into(), &environment);
    match Session::of_process(ui.clone(), environment).and_then(|session| run(&session, cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.report(&failure);
            failure.kind().into()
        }
    }
}

fn run(session: &Session, cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or_else(|| Command::Build(Box::new(cli.build))) {
        Command::Build(arguments) => commands::build::run(session, &arguments),
        Command::Check(arguments) => commands::check::run(session, &arguments),
        Command::Explain(arguments) => commands::explain::run(session, &arguments),
        Command::Push(arguments) => block_on(commands::push::run(session, &arguments)),
        Command::Prune(arguments) => commands::prune::run(session, &arguments),
        Command::Serve(arguments) => block_on(commands::serve::run(session, &arguments)),
        Command::Doctor(arguments) => commands::doctor::run(session, &arguments),
        Command::Config(ConfigCommand::Show(arguments)) => {
            commands::config::show(session, &arguments)
        }
        Command::Completion { shell } => commands::completion::run(shell),
    }
}

/// Runs `future` on a runtime of its own. Threads exist from here on, so that name spaces are entered before.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Internal, error))?;
    let result = runtime.block_on(future);
    // What a cancelled build left running ends by itself; waiting for it would keep a person waiting.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}
