//! The flags that both binaries have.

use clap::{ArgAction, Args};

use crate::{
    color::Color,
    ui::{Options, Verbosity},
};

/// How much is said, and how: `-q`, `-v` and `--color`, before a subcommand or after it.
///
/// ```
/// use clap::Parser;
/// use notes_console::{OutputArguments, Verbosity, ui};
///
/// #[derive(Parser)]
/// struct CommandLine {
///     #[command(flatten)]
///     output: OutputArguments,
/// }
///
/// let options: ui::Options = CommandLine::parse_from(["notes-build", "-vv"]).output.into();
/// assert_eq!(options.verbosity, Verbosity::Trace);
/// ```
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OutputArguments {
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// Say more; twice for a bug report.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    verbose: u8,
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: Color,
}

impl From<OutputArguments> for Options {
    fn from(arguments: OutputArguments) -> Self {
        let verbosity = match (arguments.quiet, arguments.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Trace,
        };
        Self { verbosity, color: arguments.color, ..Self::default() }
    }
}
