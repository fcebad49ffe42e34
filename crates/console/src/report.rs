//! A failure as a person reads it: one line with its causes, the place in the source, and what to do about it.

use std::{error::Error, fmt};

use crate::{Excerpt, exit::Kind};

/// What a command ends with when it does not succeed.
///
/// The binaries turn each library error into one of these, in one file; the [`Kind`] becomes the exit code.
///
/// ```
/// use notes_console::{Failure, Kind};
///
/// let failure = Failure::message(Kind::Configuration, "no Dockerfile in the commit")
///     .with_hint("name it with `--file`");
/// assert_eq!(failure.to_string(), "no Dockerfile in the commit");
/// assert_eq!(failure.kind().code(), 3);
/// ```
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    excerpt: Option<Box<Excerpt>>,
    output: Vec<String>,
}

impl Failure {
    /// Wraps `error` with its kind.
    pub fn new(kind: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, error: error.into(), hints: Vec::new(), excerpt: None, output: Vec::new() }
    }

    /// Returns a failure that has only a message.
    pub fn message(kind: Kind, message: impl Into<String>) -> Self {
        Self::new(kind, message.into())
    }

    /// Adds advice.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what advice there is: the `hint()` of a library's error.
    pub fn with_hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Adds the place in a source file, if there is one.
    pub fn with_excerpt(mut self, excerpt: impl Into<Option<Excerpt>>) -> Self {
        self.excerpt = excerpt.into().map(Box::new).or(self.excerpt);
        self
    }

    /// Adds the last lines of a program that failed, where they were not shown before.
    pub fn with_output(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.output.extend(lines);
        self
    }

    /// Returns the last lines of a program that failed.
    pub fn output(&self) -> &[String] {
        &self.output
    }

    /// Returns the kind, and with it the exit code.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the error that it is made of.
    pub fn cause(&self) -> &(dyn Error + 'static) {
        &*self.error
    }

    /// Returns the advice.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the place in a source file.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_deref()
    }
}

/// The message and its causes on one line, each once: libraries of others repeat a cause in the message above it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Chain(&*self.error).fmt(f)
    }
}

impl Error for Failure {}

/// An error and its causes on one line, each once, for what is no failure of the command.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = self.0.to_string();
        f.write_str(one_line(&message).trim_end_matches('.'))?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !text.is_empty() && !message.contains(&text) {
                write!(f, ": {}", one_line(&text))?;
                message = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Joins the lines of a message that has several: a log is read by line.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read `notes.toml`")]
    struct Outer {
        source: Middle,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot: broken pipe\n")]
    struct Middle {
        source: io::Error,
    }

    #[test]
    fn the_chain_is_one_line_and_says_nothing_twice() {
        let source = io::Error::other("broken pipe");
        let failure = Failure::new(Kind::Internal, Outer { source: Middle { source } });
        assert_eq!(failure.to_string(), "failed to read `notes.toml`: cannot: broken pipe");
    }
}
