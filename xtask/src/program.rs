//! Our own programs, run in front of the person.

use std::{
    error::Error,
    ffi::OsStr,
    io,
    num::NonZero,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// What a program may end with.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many builds or tests run at a time: they wait for disks, daemons and pods more than they compute.
pub(crate) fn at_a_time() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs a program whose words, result and all, are for the person.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let ended = command.stdout(io::stderr()).status();
    let status = ended.map_err(|error| format!("failed to run {}: {error}", name(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed: {status}", name(command)).into())
    }
}

/// Runs a program and returns its result, the line on stdout; its other words are for the person.
pub(crate) fn result(command: &mut Command) -> Result<String> {
    let ended = command.stderr(Stdio::inherit()).output();
    let output = ended.map_err(|error| format!("failed to run {}: {error}", name(command)))?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", name(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// The command as one would type it, without its directory.
pub(crate) fn line(command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!("{} {}", name(command), arguments.join(" "))
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_its_directory() {
        let mut command = Command::new("/somewhere/debug/notes-build");
        assert_eq!(line(command.args(["serve", "--root"])), "notes-build serve --root");
    }

    #[test]
    fn the_result_is_what_stands_on_stdout() {
        let mut command = Command::new("sh");
        assert_eq!(result(command.args(["-c", "echo a@sha256:b"])).unwrap(), "a@sha256:b");
    }
}
