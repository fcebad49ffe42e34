//! Heredocs: files and scripts inside a Dockerfile.

use crate::Span;

/// A heredoc: `<<NAME` in an instruction, and the lines up to one that is just `NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The word without its quotes; `COPY` and `ADD` name the file after it.
    pub name: String,
    /// The file descriptor before `<<`, for the shell; 0 when absent.
    pub descriptor: u32,
    /// Whether leading tabs count.
    pub indentation: Indentation,
    /// Whether variables in the body are expanded: not if any part of the word was quoted.
    pub expansion: Expansion,
    /// The lines, final newline included; for [`Indentation::StripTabs`] without leading tabs.
    pub body: String,
    /// The word in the instruction, `<<` included.
    pub span: Span,
    /// The lines of the body in the source.
    pub body_span: Span,
}

/// Whether the leading tabs of a heredoc count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indentation {
    /// `<<`: the body is taken as it is.
    Keep,
    /// `<<-`: leading tabs are dropped from the body and its terminator.
    StripTabs,
}

/// Whether variables are put into the body of a heredoc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// `<<NAME`: they are.
    Variables,
    /// `<<"NAME"`: the body is literal.
    None,
}

impl Heredoc {
    /// Returns the line after `#!`, when the body names its own interpreter.
    pub fn interpreter(&self) -> Option<&str> {
        let line = self.body.strip_prefix("#!")?.lines().next().unwrap_or("");
        Some(line.trim())
    }
}
