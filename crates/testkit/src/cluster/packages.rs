//! Debian packages that are missing, installed once.

use std::{path::Path, process::Command};

use super::{ClusterError, run};
use crate::process;

/// A Debian package, and the file that shows whether it is there.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// A program in `PATH`, or an absolute path.
    pub shown_by: &'static str,
}

impl Package {
    fn is_installed(self) -> bool {
        match self.shown_by.strip_prefix('/') {
            Some(_) => Path::new(self.shown_by).exists(),
            None => process::find(self.shown_by).is_some(),
        }
    }
}

/// Installs what of `packages` is missing, with one line that says what and `why`.
///
/// # Errors
///
/// [`ClusterError::NoProvider`] naming the packages where they cannot be installed: no root, or no `apt-get`.
pub fn install_missing(
    packages: &[Package],
    why: &str,
    say: &mut dyn FnMut(&str),
) -> Result<(), ClusterError> {
    let missing: Vec<_> = packages
        .iter()
        .filter(|package| !package.is_installed())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !process::is_root() || process::find("apt-get").is_none() {
        let reason = format!("{names} is missing, for {why} (apt-get install {names})");
        return Err(ClusterError::NoProvider { reasons: vec![reason] });
    }
    say(&format!("installing {names} for {why} (Debian packages, about a minute)"));
    apt_get(&["update"], say)?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"], &missing[..]].concat(), say)
}

/// Runs `apt-get`; its words are told only when it fails.
fn apt_get(arguments: &[&str], say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let mut words = Vec::new();
    let result = run(&mut command, &mut |line| words.push(line.to_owned()));
    if result.is_err() {
        for line in &words {
            say(line);
        }
    }
    result
}
