//! Words to text: quotes, escapes and variables.
//!
//! The rules are those of `BuildKit`'s `frontend/dockerfile/shell`, which follow the POSIX shell where they can.

mod expander;
mod output;
mod pattern;
mod work;

use std::collections::{BTreeMap, HashMap};

use crate::{Escape, Expansion, Heredoc, Indentation, Span, Word};
use expander::{Escapes, Expander};
use output::Output;

pub use work::Work;

/// How deep `${a:-${b:-…}}` may nest. Far beyond what people write, and far from the end of the stack.
const DEEPEST: usize = 100;
/// How much longer than the word an expansion may be: more than an environment can hold. A few lines that double a variable would
/// otherwise fill the memory.
const GROWTH: usize = 16 << 20;

/// Where the values of variables come from: a map, or a function.
///
/// ```
/// use notes_dockerfile::{Escape, Span, Word};
///
/// let word = Word::new("python:${TAG:-latest}", Escape::Backslash, Span::default());
/// assert_eq!(word.expand(&|name: &str| (name == "TAG").then(|| "3.13".to_owned()))?, "python:3.13");
/// assert_eq!(word.expand(&|_: &str| None)?, "python:latest");
/// # Ok::<(), notes_dockerfile::ExpandError>(())
/// ```
pub trait Variables {
    /// Returns the value of the variable called `name`, or nothing when it is unset.
    fn value(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Variables for F {
    fn value(&self, name: &str) -> Option<String> {
        self(name)
    }
}

impl Variables for BTreeMap<String, String> {
    fn value(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

impl<S: std::hash::BuildHasher> Variables for HashMap<String, String, S> {
    fn value(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// The error returned when a word cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ExpandError {
    /// What is wrong.
    pub reason: ExpandReason,
    /// Where it is; the whole word when continuations or quotes hide the exact place.
    pub span: Span,
}

/// Why a word cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the variants and their fields mean")]
pub enum ExpandReason {
    #[error("a {quote} quote is not closed")]
    Quote { quote: &'static str },
    #[error("`${{` is not closed")]
    Brace,
    #[error("`${{` is not followed by a name")]
    Name,
    #[error("`{modifier}` is no modifier of a variable")]
    Modifier { modifier: String },
    #[error("the pattern in `${{{name}/…}}` is not ended by a `/`")]
    Slash { name: String },
    #[error("`\\{escaped}` is no escape in a pattern")]
    PatternEscape { escaped: String },
    #[error("{name}: {message}")]
    Unset { name: String, message: String },
    #[error("variables are nested more than {DEEPEST} deep")]
    Depth,
    #[error("the value is longer than {} MiB", GROWTH >> 20)]
    Size,
    #[error("putting in variables takes too long here")]
    Work,
}

impl ExpandError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match &self.reason {
            ExpandReason::Quote { .. } => {
                "a quote that is meant literally needs an escape before it"
            }
            ExpandReason::Name | ExpandReason::Brace => {
                "a `$` that is meant literally is written `\\$`"
            }
            ExpandReason::Modifier { .. } => {
                "the modifiers are `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` and `//`"
            }
            ExpandReason::Unset { name, .. } => {
                return Some(format!("declare it with `ARG {name}` and give it a value"));
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// What an expansion gave, and which variables it wanted and did not find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// The text split at white space that neither was quoted nor escaped; white space in values splits too.
    pub fields: Vec<String>,
    /// Unset variables that became empty text, in order. Those with a default are not among them.
    pub unset: Vec<String>,
}

impl Word {
    /// Returns the word with its variables put in and its quotes and escapes removed. Unset variables are empty.
    pub fn expand(&self, variables: &dyn Variables) -> Result<String, ExpandError> {
        self.expand_fully(variables).map(|expanded| expanded.text)
    }

    /// Returns the expansion split at white space, as `EXPOSE` needs it.
    pub fn expand_fields(&self, variables: &dyn Variables) -> Result<Vec<String>, ExpandError> {
        self.expand_fully(variables).map(|expanded| expanded.fields)
    }

    /// Returns everything that is to be known about the expansion.
    pub fn expand_fully(&self, variables: &dyn Variables) -> Result<Expanded, ExpandError> {
        self.expand_within(variables, &Work::of_one_word())
    }

    /// Returns the same, and takes what it cost from `work`, which many words may share.
    pub fn expand_within(
        &self,
        variables: &dyn Variables,
        work: &Work,
    ) -> Result<Expanded, ExpandError> {
        if self.is_literal() {
            let fields = self.raw().split_whitespace().map(str::to_owned).collect();
            return Ok(Expanded { text: self.raw().to_owned(), fields, unset: Vec::new() });
        }
        let exact = self.raw().len() == self.span().len();
        run(self.raw(), self.escape(), Quotes::Remove, variables, work).map_err(|(reason, at)| {
            let start = self.span().start + at;
            let span = if exact { Span::new(start, self.span().end) } else { self.span() };
            ExpandError { reason, span }
        })
    }

    /// Returns whether expansion would change nothing: there is no `$`, quote or escape in the word.
    pub fn is_literal(&self) -> bool {
        !self.raw().contains(['$', '\'', '"', self.escape().as_char()])
    }
}

impl Heredoc {
    /// Returns the content of the file that the heredoc is for `COPY` and `ADD`.
    ///
    /// Quotes are plain text in it. The escape is `\` whatever the file says.
    pub fn expand(&self, variables: &dyn Variables) -> Result<String, ExpandError> {
        self.expand_fully(variables).map(|expanded| expanded.text)
    }

    /// Returns everything that is to be known about the expansion; the fields mean nothing here.
    pub fn expand_fully(&self, variables: &dyn Variables) -> Result<Expanded, ExpandError> {
        if self.expansion == Expansion::Literal {
            return Ok(Expanded { text: self.body.clone(), ..Expanded::default() });
        }
        let work = Work::of_one_word();
        let expanded = run(&self.body, Escape::Backslash, Quotes::Keep, variables, &work);
        expanded.map_err(|(reason, at)| {
            let start = self.body_span.start + at;
            let span = match self.indentation {
                Indentation::Keep => Span::new(start, self.body_span.end),
                Indentation::StripTabs => self.span,
            };
            ExpandError { reason, span }
        })
    }
}

/// What quotes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Remove,
    Keep,
}

type Failure = (ExpandReason, usize);

fn run(
    text: &str,
    escape: Escape,
    quotes: Quotes,
    variables: &dyn Variables,
    work: &Work,
) -> Result<Expanded, Failure> {
    let mut expander = Expander::new(text, escape.as_char(), quotes, variables, work);
    let mut output = Output::split(expander.limit());
    expander.until(None, Escapes::Remove, &mut output)?;
    let (text, fields) = output.into_parts();
    Ok(Expanded { text, fields, unset: expander.into_unset() })
}

#[cfg(test)]
mod tests;
