//! Parser directives: special comments at the very top.

use crate::{Escape, Spanned};

/// The parser directives of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `# syntax=`: the frontend image that the file asks for, as written.
    pub syntax: Option<Spanned<String>>,
    /// `# escape=`.
    pub escape: Escape,
    /// `# check=`: what lint rules do.
    pub check: Option<Spanned<Check>>,
}

/// The value of `# check=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// `skip=`: rules that do not count.
    pub skip: Selection,
    /// `experimental=`: experimental rules that do.
    pub experimental: Selection,
    /// `error=`: what a finding means.
    pub strictness: Strictness,
}

/// Some rules, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These, by their exact names.
    Named(Vec<String>),
    /// All of them.
    All,
}

impl Default for Selection {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl Selection {
    /// Returns whether the rule called `name` is selected.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Named(names) => names.iter().any(|selected| selected == name),
            Self::All => true,
        }
    }
}

/// What a lint finding means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// It is a warning; the default.
    #[default]
    Warn,
    /// It is an error.
    Error,
}
