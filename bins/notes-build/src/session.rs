//! What a command gets from the process it runs in.

use std::path::PathBuf;

use notes_console::{Environment, Failure, Kind, Ui};

/// The surroundings of a command, taken once.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The way to the person.
    pub(crate) ui: Ui,
    /// The environment.
    pub(crate) environment: Environment,
    /// The current directory.
    pub(crate) current: PathBuf,
}

impl Session {
    /// Takes the surroundings of this process.
    pub(crate) fn of_process(ui: Ui, environment: Environment) -> Result<Self, Failure> {
        let current = std::env::current_dir().map_err(|error| {
            Failure::new(Kind::Configuration, error)
                .with_hint("the current directory is gone; go to one that exists")
        })?;
        Ok(Self { ui, environment, current })
    }
}
