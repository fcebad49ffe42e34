//! A builder that takes part.

use std::{fmt, process::Command};

use super::{Result, project::Project};

/// A builder that takes part.
pub(super) trait Contender {
    /// Returns what it is called in the table.
    fn name(&self) -> &'static str;
    /// Returns its version.
    fn version(&self) -> Result<String>;
    /// Returns the names of its programs; what they use together is its memory.
    fn programs(&self) -> &'static [&'static str];
    /// Removes all that it keeps between builds, bases as well.
    fn forget(&self) -> Result<()>;
    /// Returns the commands that build the commit of `project` that is checked out, and push it as `reference`.
    fn build(&self, project: &Project, reference: &str) -> Vec<Command>;
}

impl fmt::Display for dyn Contender + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
