//! The project's own commands: `cargo xtask demo`, `cargo xtask test`, `cargo xtask compare`,
//! `cargo xtask bench`, `cargo xtask cluster`, `cargo xtask docker`, `cargo xtask dist`.
//!
//! CI runs the same commands a person runs. What a command says goes to stderr; what a script would want (a kubeconfig's
//! path, the summary of the tests) goes to stdout.

mod apps;
mod bench;
mod cargo;
mod cli;
mod cluster;
mod compare;
mod demo;
mod dist;
mod docker;
mod output;
mod program;
mod summary;
mod test;
mod workspace;

use std::{error::Error, process::ExitCode};

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Test(options) => Ok(test::run(&options)),
        Command::Cluster { action } => cluster::run(action),
        Command::Docker { action } => docker::run(action),
        Command::Dist => dist::run(),
        Command::Demo(options) => demo::run(&options),
        Command::Compare(options) => compare::run(&options),
        Command::Bench { what } => bench::run(&what),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Says an error and what caused it.
fn report(error: &(dyn Error + 'static)) {
    output::say(&format!("error: {error}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        output::say(&format!("  because: {error}"));
        cause = error.source();
    }
}
