//! `notes-build completion`: the completions of a shell.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;
use notes_console::{Failure, Kind};

use crate::cli::Cli;

/// Prints the script that the shell is to read.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "notes-build", &mut script);
    io::stdout().write_all(&script).map_err(|error| Failure::new(Kind::Internal, error))
}
