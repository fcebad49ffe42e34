//! Words as they were written, before variables are put in.

use std::fmt;

use crate::Span;

/// The character that continues a line and escapes another one; the directive `# escape=` chooses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Escape {
    /// `\`, the default.
    #[default]
    Backslash,
    /// `` ` ``, for Dockerfiles full of Windows paths.
    Backtick,
}

impl Escape {
    /// Returns the character.
    pub const fn as_char(self) -> char {
        match self {
            Self::Backslash => '\\',
            Self::Backtick => '`',
        }
    }
}

/// One argument as written: quotes, escapes and `$` are still in it, continuations are joined.
///
/// A word knows its escape character, because what it means depends on it. [`Word::expand`] turns it into text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Word {
    raw: String,
    escape: Escape,
    span: Span,
}

impl Word {
    /// Returns the word with the raw text `raw` that stands at `span`.
    pub fn new(raw: impl Into<String>, escape: Escape, span: Span) -> Self {
        Self { raw: raw.into(), escape, span }
    }

    /// Returns the text as written.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Returns the text as written, without its place.
    pub(crate) fn into_raw(self) -> String {
        self.raw
    }

    /// Returns the escape character that holds in this word.
    pub fn escape(&self) -> Escape {
        self.escape
    }

    /// Returns where the word stands.
    pub fn span(&self) -> Span {
        self.span
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} @ {:?}", self.raw, self.span)
    }
}
