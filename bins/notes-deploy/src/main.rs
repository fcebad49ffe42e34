//! Deploys a pinned image, verifies the rollout, explains a failure.

mod cli;
mod commands;
mod failure;
mod image;
mod limit;
mod manifests;
mod process;
mod project;
mod recorder;
mod report;
mod reporter;
mod settings;
mod table;

use std::{
    process::{ExitCode, Termination},
    time::Duration,
};

use notes_console::{Failure, Session, command};

use cli::{Cli, Command, ConfigCommand};

fn main() -> ExitCode {
    command::main(run)
}

fn run(session: &Session, cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command.unwrap_or_else(|| Command::Deploy(Box::new(cli.deploy))) {
        Command::Deploy(arguments) => block_on(commands::deploy::run(session, &arguments)),
        Command::Render(arguments) => block_on(commands::render::run(session, &arguments)),
        Command::Diff(arguments) => block_on(commands::diff::run(session, &arguments)),
        Command::Status(arguments) => block_on(commands::status::run(session, &arguments)),
        Command::History(arguments) => block_on(commands::history::run(session, &arguments)),
        Command::Rollback(arguments) => block_on(commands::rollback::run(session, &arguments)),
        Command::PortForward(arguments) => {
            block_on(commands::port_forward::run(session, &arguments))
        }
        Command::Doctor(arguments) => block_on(commands::doctor::run(session, &arguments)),
        Command::Rbac(arguments) => {
            commands::rbac::run(session, &arguments).map(Termination::report)
        }
        Command::Config(ConfigCommand::Show(arguments)) => {
            commands::config::show(session, &arguments).map(Termination::report)
        }
        Command::Completion { shell } => commands::completion::run(shell).map(Termination::report),
    }
}

fn block_on<T: Termination>(
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<ExitCode, Failure> {
    // One provider for every TLS connection of this process; a second call would be the only way to fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A read of stdin or a plugin that hangs must not keep the process: its result is not wanted any more.
    command::block_on(Duration::ZERO, future).map(Termination::report)
}
