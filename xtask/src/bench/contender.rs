//! A program that takes part.

use std::fmt;

use super::Result;

/// A program that takes part.
pub(super) trait Contender {
    /// Returns what it is called in the table.
    fn name(&self) -> &'static str;
    /// Returns its version.
    fn version(&self) -> Result<String>;
    /// Returns the names of its programs; what they use together is its memory.
    fn programs(&self) -> &'static [&'static str];
}

impl fmt::Display for dyn Contender + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
