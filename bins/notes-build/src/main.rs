//! Builds the image of a commit and pushes it.

mod annotations;
mod archive;
mod caches;
mod cli;
mod commands;
mod context;
mod contexts;
mod dockerfile;
mod download;
mod failure;
mod fields;
mod handover;
mod output;
mod product;
mod project;
mod record;
mod redaction;
mod registry;
mod reporter;
mod repositories;
mod secrets;
mod settings;
mod sizes;
mod ssh;
mod transfers;
mod web;
mod whole;
mod writing;

use std::{process::ExitCode, time::Duration};

use notes_console::{Failure, Session, command};

use cli::{Cli, Command, ConfigCommand};

fn main() -> ExitCode {
    // The first line, before any thread: a RUN is this program started again.
    notes_sandbox::init();
    command::main(run)
}

fn run(session: &Session, cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or_else(|| Command::Build(Box::new(cli.build))) {
        Command::Build(arguments) => commands::build::run(session, &arguments),
        Command::Check(arguments) => commands::check::run(session, &arguments),
        Command::Explain(arguments) => commands::explain::run(session, &arguments),
        Command::Verify(arguments) => commands::verify::run(session, &arguments),
        Command::Push(arguments) => block_on(commands::push::run(session, &arguments)),
        Command::Prune(arguments) => commands::prune::run(session, &arguments),
        Command::Serve(arguments) => block_on(commands::serve::run(session, &arguments)),
        Command::Doctor(arguments) => block_on(commands::doctor::run(session, &arguments)),
        Command::Config(ConfigCommand::Show(arguments)) => {
            commands::config::show(session, &arguments)
        }
        Command::Completion { shell } => commands::completion::run(shell),
    }
}

/// Runs `future` on threads. Name spaces are entered before.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // What a cancelled build left running ends by itself; waiting for all of it would keep a person waiting.
    command::block_on(Duration::from_secs(5), future)
}

/// Runs blocking work on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
