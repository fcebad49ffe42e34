//! Where a value came from.

use std::{fmt, sync::Arc};

use crate::Variable;

/// A line of a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the person would name it.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value of a settings file and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// Returns the value `change` makes of this one, at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), place: self.place }
    }
}

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(Variable),
    /// A line of the settings file.
    File(Place),
    /// Found out, such as from the repository or the CI system; says from what.
    Derived(String),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Environment(variable) => f.write_str(variable.name),
            Self::File(place) => place.fmt(f),
            Self::Derived(from) => f.write_str(from),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A resolved setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The key as `notes.toml` writes it, with its section: `build.dockerfile`.
    pub key: &'static str,
    /// What it is set to.
    pub value: T,
    /// Who said so.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// Returns the setting with its value changed by `change`.
    ///
    /// # Errors
    ///
    /// What `change` returns.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Setting<U>, E> {
        Ok(Setting { key: self.key, value: change(self.value)?, origin: self.origin })
    }
}
