//! One file per command.

pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod port_forward;
pub(crate) mod rbac;
pub(crate) mod render;
pub(crate) mod rollback;
pub(crate) mod status;

use notes_console::{Failure, Kind, print_result};

/// Prints the result of a command.
fn print(text: impl std::fmt::Display) -> Result<(), Failure> {
    print_result(text).map_err(|error| Failure::new(Kind::Internal, error))
}
