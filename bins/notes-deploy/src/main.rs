//! Deploys a pinned image, verifies the rollout, explains a failure.

mod cli;
mod commands;
mod failure;
mod image;
mod manifests;
mod project;
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
    match cli.command.unwrap_or_else(|| Command::Deploy(Box::new(cli.deploy))) {
        Command::Deploy(arguments) => block_on(commands::deploy::run(session, &arguments)),
        Command::Render(arguments) => block_on(commands::render::run(session, &arguments)),
        Command::Status(arguments) => block_on(commands::status::run(session, &arguments)),
        Command::History(arguments) => block_on(commands::history::run(session, &arguments)),
        Command::Rollback(arguments) => block_on(commands::rollback::run(session, &arguments)),
        Command::PortForward(arguments) => {
            block_on(commands::port_forward::run(session, &arguments))
        }
        Command::Config(ConfigCommand::Show(arguments)) => {
            commands::config::show(session, &arguments)
        }
        Command::Completion { shell } => commands::completion::run(shell),
    }
}

fn block_on(future: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // One provider for every TLS connection of this process; a second call would be the only way to fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Internal, error))?;
    let result = runtime.block_on(future);
    // A read of stdin or a plugin that hangs must not keep the process: its result is not wanted any more.
    runtime.shutdown_background();
    result
}
