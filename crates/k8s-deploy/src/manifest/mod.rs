//! YAML documents that remember their file and line.

mod error;
mod kinds;
mod parse;

pub(crate) use self::kinds::nearest_kind;
pub use self::{
    error::Error,
    kinds::{Resource, Scope, resource},
    parse::parse,
};

use std::fmt;

use crate::Object;

/// One object and the place it was written at.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// Where it was written.
    pub origin: Origin,
}

/// The file and line, counted from one, at which a manifest begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file as the caller named it.
    pub file: String,
    /// The line of the document's first word.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
