//! What the two binaries share towards a person: progress, reports, exit codes, CI log sections, settings.
//!
//! Words go to stderr through one [`Ui`]; stdout holds the result alone ([`print_result`]). A command that fails returns a
//! [`Failure`], whose [`Kind`] is the exit code. What a command does is decided by [`settings`]: a flag beats the environment,
//! the environment beats `notes.toml`, the file beats the default, and each value remembers where it came from.
//!
//! A binary's `main` is [`command::main`]: it parses the command line, calls the command, reports its failure and returns the
//! exit code. [`signal`] ends a command on Ctrl-C and SIGTERM, and [`OutputArguments`] are the flags that every command takes.
//!
//! This crate is for the binaries only, and so the one library that knows clap. The libraries print nothing and read no environment; they report to traits of their
//! own, which the binaries implement with what is here.
//!
//! ```
//! use notes_console::{Failure, Kind, Ui, ui};
//!
//! let (ui, said) = Ui::recording(ui::Options::default());
//! ui.step("Reading", "commit a3f92bd");
//! ui.report(&Failure::message(Kind::Configuration, "no Dockerfile").with_hint("name one with `--file`"));
//! assert_eq!(
//!     said.text(),
//!     "     Reading commit a3f92bd\nerror: no Dockerfile\nhint: name one with `--file`\n"
//! );
//! ```

pub mod color;
pub mod command;
pub mod environment;
pub mod settings;
pub mod signal;
pub mod ui;

mod arguments;
mod excerpt;
mod exit;
mod live;
mod progress;
mod report;
mod sections;
mod suggestion;

pub use arguments::OutputArguments;
pub use command::Session;
pub use environment::{Environment, Variable};
pub use excerpt::Excerpt;
pub use exit::Kind;
pub use live::Live;
pub use progress::{Measure, Task};
pub use report::{Chain, Failure};
pub use sections::{Dialect, Section};
pub use suggestion::closest;
pub use ui::{Ui, Verbosity, print_result};
