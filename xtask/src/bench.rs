//! `cargo xtask bench`: notes-build beside the programs that do the same, in one run on one registry.
//!
//! The registry is CNCF distribution, which is nobody's own. Rounds are interleaved, so that a machine that slows down for a
//! while does so for all; what is reported are medians.

mod build;
mod clients;
mod contender;
mod images;
mod measure;
mod registry;
mod server;
mod table;
mod transfer;

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{cargo, cli::Benched, output, program};

pub(crate) use build::Scenario;
pub(crate) use images::Images;

/// What a step of a benchmark may end with.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures, and prints the tables.
pub(crate) fn run(benched: &Benched) -> std::result::Result<ExitCode, Box<dyn Error>> {
    let tables = match benched {
        Benched::Build(options) => build::measure(options).map(|table| table.to_string()),
        Benched::Registry(options) => transfer::measure(options),
        Benched::Server(options) => server::measure(options),
    };
    output::result(&tables.map_err(|error| -> Box<dyn Error> { error })?);
    Ok(ExitCode::SUCCESS)
}

/// Runs git on a repository of a benchmark, and returns what it prints.
fn git(repository: &Path, arguments: &[&str]) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=bench", "-c", "user.email=bench@example.com"]);
    git.args(["-c", "gc.auto=0"]).args(arguments).current_dir(repository);
    program::result(&mut git)
}

/// Returns a directory that is there and empty.
fn empty(directory: &Path) -> io::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)
}

/// Returns all in the order of a round, in which each goes first in its turn: what one leaves to disks and caches, the next one finds.
fn in_turn<T: Copy>(all: &[T], round: usize) -> impl Iterator<Item = T> {
    let (later, first) = all.split_at(round % all.len());
    first.iter().chain(later).copied()
}

/// Builds notes-build as people run it, and returns where it is: beside the directory of this program.
fn release() -> Result<PathBuf> {
    output::say("building notes-build for release");
    cargo::build(["notes-build"], &["--release"])?;
    Ok(cargo::target()?.join("release/notes-build"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_goes_first_in_its_turn() {
        let order = |round| super::in_turn(&['a', 'b', 'c'], round).collect::<String>();
        assert_eq!([1, 2, 3, 4].map(order), ["bca", "cab", "abc", "bca"]);
    }
}
