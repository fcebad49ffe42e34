//! `notes-deploy completion`.

use clap::CommandFactory as _;
use clap_complete::Shell;
use notes_console::Failure;

use crate::cli::Cli;

/// Prints the completions of a shell.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "notes-deploy", &mut script);
    super::print(String::from_utf8_lossy(&script).trim_end())
}
