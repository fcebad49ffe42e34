//! Words to text: quotes, escapes and variables.
//!
//! The rules are those of `BuildKit`'s `frontend/dockerfile/shell`, which follow the POSIX shell where they can.

mod pattern;

use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;
use std::str::CharIndices;

use crate::{Escape, Expansion, Heredoc, Indentation, Span, Word};
use pattern::Pattern;

/// How deep `${a:-${b:-…}}` may nest. Far beyond what people write, and far from the end of the stack.
const DEEPEST: usize = 100;

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
        let exact = self.raw().len() == self.span().len();
        run(self.raw(), self.escape(), Quotes::Remove, variables).map_err(|(reason, at)| {
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
        let expanded = run(&self.body, Escape::Backslash, Quotes::Keep, variables);
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
) -> Result<Expanded, Failure> {
    let characters = text.char_indices().peekable();
    let unset = Vec::new();
    let escape = escape.as_char();
    let mut expander =
        Expander { characters, length: text.len(), escape, quotes, variables, unset, depth: 0 };
    let mut output = Output::default();
    expander.until(None, Escapes::Remove, &mut output)?;
    let Output { text, mut fields, field } = output;
    fields.extend(field.filter(|field| !field.is_empty()));
    Ok(Expanded { text, fields, unset: expander.unset })
}

/// What happens to escape characters outside of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Remove,
    /// Patterns look at them again.
    Keep,
}

/// The text so far, whole and split.
#[derive(Default)]
struct Output {
    text: String,
    fields: Vec<String>,
    field: Option<String>,
}

impl Output {
    /// Adds text whose white space does not split.
    fn protected(&mut self, text: &str) {
        self.text.push_str(text);
        self.field.get_or_insert_default().push_str(text);
    }

    /// Adds text whose white space splits.
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        for character in text.chars() {
            if character.is_whitespace() {
                self.fields.extend(self.field.take().filter(|field| !field.is_empty()));
            } else {
                self.field.get_or_insert_default().push(character);
            }
        }
    }
}

struct Expander<'a> {
    characters: Peekable<CharIndices<'a>>,
    length: usize,
    escape: char,
    quotes: Quotes,
    variables: &'a dyn Variables,
    unset: Vec<String>,
    depth: usize,
}

impl Expander<'_> {
    fn peek(&mut self) -> Option<char> {
        self.characters.peek().map(|&(_, character)| character)
    }

    fn next(&mut self) -> Option<char> {
        self.characters.next().map(|(_, character)| character)
    }

    fn offset(&mut self) -> usize {
        self.characters.peek().map_or(self.length, |&(offset, _)| offset)
    }

    /// Expands up to and including `stop`, or up to the end.
    ///
    /// Returns whether `stop` was there.
    fn until(
        &mut self,
        stop: Option<char>,
        escapes: Escapes,
        output: &mut Output,
    ) -> Result<bool, Failure> {
        while let Some(character) = self.peek() {
            if Some(character) == stop {
                self.next();
                return Ok(true);
            }
            match character {
                '$' => {
                    let value = self.dollar()?;
                    output.plain(&value);
                }
                '\'' if self.quotes == Quotes::Remove => output.protected(&self.single()?),
                '"' if self.quotes == Quotes::Remove => output.protected(&self.double(escapes)?),
                escape if escape == self.escape => {
                    self.next();
                    let mut buffer = [0; 4];
                    if escapes == Escapes::Keep {
                        output.protected(escape.encode_utf8(&mut buffer));
                    }
                    if let Some(escaped) = self.next() {
                        output.protected(escaped.encode_utf8(&mut buffer));
                    }
                }
                other => {
                    self.next();
                    output.plain(other.encode_utf8(&mut [0; 4]));
                }
            }
        }
        Ok(stop.is_none())
    }

    /// Takes `'...'`; nothing is special in it.
    fn single(&mut self) -> Result<String, Failure> {
        let start = self.offset();
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err((ExpandReason::Quote { quote: "single" }, start)),
                Some('\'') => return Ok(text),
                Some(other) => text.push(other),
            }
        }
    }

    /// Takes `"..."`; an escape counts before `"`, `$` and itself only.
    fn double(&mut self, escapes: Escapes) -> Result<String, Failure> {
        let start = self.offset();
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err((ExpandReason::Quote { quote: "double" }, start)),
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(escape) if escape == self.escape => {
                    self.next();
                    let special =
                        self.peek().filter(|&next| matches!(next, '"' | '$') || next == escape);
                    if special.is_some() {
                        self.next();
                    }
                    if escapes == Escapes::Keep && special.is_some() {
                        text.push(escape);
                    }
                    text.push(special.unwrap_or(escape));
                }
                Some(other) => {
                    self.next();
                    text.push(other);
                }
            }
        }
    }

    /// Takes `$name`, `${...}`, or a `$` that is neither.
    fn dollar(&mut self) -> Result<String, Failure> {
        let start = self.offset();
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            return Ok(if name.is_empty() { "$".to_owned() } else { self.wanted(&name) });
        }
        self.next();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err((ExpandReason::Depth, start));
        }
        let value = self.braces(start);
        self.depth -= 1;
        value
    }

    /// Takes what follows `${`.
    fn braces(&mut self, start: usize) -> Result<String, Failure> {
        match self.peek() {
            None => return Err((ExpandReason::Brace, start)),
            Some('{' | '}' | ':') => return Err((ExpandReason::Name, start)),
            Some(_) => {}
        }
        let name = self.name();
        let unknown = |modifier: String| Err((ExpandReason::Modifier { modifier }, start));
        match self.next() {
            None => Err((ExpandReason::Brace, start)),
            Some('}') => Ok(self.wanted(&name)),
            Some(':') => match self.next() {
                None => Err((ExpandReason::Brace, start)),
                Some(modifier @ ('-' | '+' | '?')) => {
                    self.conditional(&name, modifier, true, start)
                }
                Some(other) => unknown(format!(":{other}")),
            },
            Some(modifier @ ('-' | '+' | '?')) => self.conditional(&name, modifier, false, start),
            Some(end @ ('#' | '%')) => self.trimmed(&name, end, start),
            Some('/') => self.replaced(&name, start),
            Some(other) => unknown(other.to_string()),
        }
    }

    /// Takes the word of a modifier, up to the closing brace.
    fn operand(&mut self, escapes: Escapes, start: usize) -> Result<String, Failure> {
        let mut output = Output::default();
        if self.until(Some('}'), escapes, &mut output)? {
            Ok(output.text)
        } else {
            Err((ExpandReason::Brace, start))
        }
    }

    /// `-`, `+` and `?`, with or without a colon: then an empty value counts as unset.
    fn conditional(
        &mut self,
        name: &str,
        modifier: char,
        colon: bool,
        start: usize,
    ) -> Result<String, Failure> {
        let unset_before = self.unset.len();
        let operand = self.operand(Escapes::Remove, start)?;
        let value = self.variables.value(name);
        let given = value.as_ref().is_some_and(|value| !(colon && value.is_empty()));
        // What an operand lacks matters only if the operand is used.
        if given == (modifier != '+') {
            self.unset.truncate(unset_before);
        }
        match (modifier, given) {
            ('+', true) | ('-', false) => Ok(operand),
            ('+', false) => Ok(String::new()),
            ('?', false) => {
                let state = if value.is_some() { "empty" } else { "unset" };
                let message = if operand.is_empty() {
                    format!("is not allowed to be {state}")
                } else {
                    operand
                };
                Err((ExpandReason::Unset { name: name.to_owned(), message }, start))
            }
            _ => Ok(value.unwrap_or_default()),
        }
    }

    /// `#`, `##`, `%` and `%%`.
    fn trimmed(&mut self, name: &str, end: char, start: usize) -> Result<String, Failure> {
        let operand = self.operand(Escapes::Keep, start)?;
        let longest = operand.strip_prefix(end);
        let pattern = Pattern::parse(longest.unwrap_or(&operand))
            .map_err(|escaped| (ExpandReason::PatternEscape { escaped }, start))?;
        let value = self.wanted(name);
        Ok(match end {
            '#' => pattern.without_prefix(&value, longest.is_some()),
            _ => pattern.without_suffix(&value, longest.is_some()),
        })
    }

    /// `/pattern/replacement` and `//pattern/replacement`.
    fn replaced(&mut self, name: &str, start: usize) -> Result<String, Failure> {
        let every = self.characters.next_if(|&(_, next)| next == '/').is_some();
        let mut output = Output::default();
        if !self.until(Some('/'), Escapes::Keep, &mut output)? {
            return Err((ExpandReason::Slash { name: name.to_owned() }, start));
        }
        let pattern = Pattern::parse(&output.text)
            .map_err(|escaped| (ExpandReason::PatternEscape { escaped }, start))?;
        let replacement = self.operand(Escapes::Keep, start)?;
        let value = self.wanted(name);
        Ok(pattern.replace(&value, &replacement, if every { usize::MAX } else { 1 }))
    }

    /// Takes a name: digits, one special character, or letters, digits and underscores.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.peek() {
            Some(digit) if digit.is_numeric() => self.take_while(char::is_numeric, &mut name),
            Some(special @ ('@' | '*' | '#' | '?' | '-' | '$' | '!')) => {
                self.next();
                name.push(special);
            }
            _ => self.take_while(|letter| letter.is_alphanumeric() || letter == '_', &mut name),
        }
        name
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool, name: &mut String) {
        while let Some((_, character)) = self.characters.next_if(|&(_, next)| belongs(next)) {
            name.push(character);
        }
    }

    /// Returns the value of `name`; notes it when there is none.
    fn wanted(&mut self, name: &str) -> String {
        self.variables.value(name).unwrap_or_else(|| {
            self.unset.push(name.to_owned());
            String::new()
        })
    }
}

#[cfg(test)]
mod tests;
