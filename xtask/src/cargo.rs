//! cargo, and where it puts what it builds: this program lies there itself.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{program, workspace};

/// Returns cargo at the root of the workspace: the one that runs this program, where one does.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root());
    cargo
}

/// Builds programs of ours, with `flags`.
pub(crate) fn build<'a>(
    packages: impl IntoIterator<Item = &'a str>,
    flags: &[&str],
) -> program::Result<()> {
    let mut cargo = command();
    cargo.args(["build", "--quiet"]).args(flags);
    cargo.args(packages.into_iter().flat_map(|package| ["--package", package]));
    program::run(&mut cargo)
}

/// Returns where programs lie that are built without flags.
pub(crate) fn programs() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Returns the target directory: programs lie in `debug` of it.
pub(crate) fn target() -> io::Result<PathBuf> {
    let programs = programs()?;
    Ok(programs.parent().unwrap_or(Path::new(".")).to_owned())
}
