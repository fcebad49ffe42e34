//! The walk over a word.

use std::iter::Peekable;
use std::str::CharIndices;

use super::output::Output;
use super::pattern::Pattern;
use super::{DEEPEST, ExpandReason, Failure, GROWTH, Quotes, Variables, Work};

/// What happens to escape characters outside of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    Remove,
    /// Patterns look at them again.
    Keep,
}

pub(super) struct Expander<'a> {
    characters: Peekable<CharIndices<'a>>,
    length: usize,
    escape: char,
    quotes: Quotes,
    variables: &'a dyn Variables,
    unset: Vec<String>,
    depth: usize,
    /// What values and patterns may still cost.
    work: &'a Work,
}

impl<'a> Expander<'a> {
    pub(super) fn new(
        text: &'a str,
        escape: char,
        quotes: Quotes,
        variables: &'a dyn Variables,
        work: &'a Work,
    ) -> Self {
        let characters = text.char_indices().peekable();
        let (length, unset) = (text.len(), Vec::new());
        Self { characters, length, escape, quotes, variables, unset, depth: 0, work }
    }

    /// Returns how long a text may become.
    pub(super) fn limit(&self) -> usize {
        self.length + GROWTH
    }

    /// Returns the variables that were wanted and not found.
    pub(super) fn into_unset(self) -> Vec<String> {
        self.unset
    }

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
    pub(super) fn until(
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
            let start = self.offset();
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
            output.check().map_err(|reason| (reason, start))?;
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
                Some('$') => {
                    text.push_str(&self.dollar()?);
                    if text.len() > self.limit() {
                        return Err((ExpandReason::Size, start));
                    }
                }
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
            return if name.is_empty() { Ok("$".to_owned()) } else { self.wanted(&name, start) };
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
            Some('}') => self.wanted(&name, start),
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
        let mut output = Output::whole(self.limit());
        if !self.until(Some('}'), escapes, &mut output)? {
            return Err((ExpandReason::Brace, start));
        }
        // Each level of nesting copies it once more.
        let (text, _) = output.into_parts();
        self.work.take(text.len()).map_err(|reason| (reason, start))?;
        Ok(text)
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
        let value = self.value(name, start)?;
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
        let value = self.wanted(name, start)?;
        let trimmed = match end {
            '#' => pattern.without_prefix(&value, longest.is_some(), self.work),
            _ => pattern.without_suffix(&value, longest.is_some(), self.work),
        };
        trimmed.map_err(|reason| (reason, start))
    }

    /// `/pattern/replacement` and `//pattern/replacement`.
    fn replaced(&mut self, name: &str, start: usize) -> Result<String, Failure> {
        let every = self.characters.next_if(|&(_, next)| next == '/').is_some();
        let mut output = Output::whole(self.limit());
        if !self.until(Some('/'), Escapes::Keep, &mut output)? {
            return Err((ExpandReason::Slash { name: name.to_owned() }, start));
        }
        let pattern = Pattern::parse(&output.into_parts().0)
            .map_err(|escaped| (ExpandReason::PatternEscape { escaped }, start))?;
        let replacement = self.operand(Escapes::Keep, start)?;
        let value = self.wanted(name, start)?;
        let times = if every { usize::MAX } else { 1 };
        let limit = self.limit();
        let replaced = pattern.replace(&value, &replacement, times, limit, self.work);
        replaced.map_err(|reason| (reason, start))
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

    /// Returns the value of `name`, and pays for its copy.
    fn value(&mut self, name: &str, start: usize) -> Result<Option<String>, Failure> {
        let failed = |reason| (reason, start);
        // Before the copy, which may be long: what is used up is used up for all words that come.
        self.work.check().map_err(failed)?;
        let value = self.variables.value(name);
        self.work.take(value.as_ref().map_or(0, String::len)).map_err(failed)?;
        Ok(value)
    }

    /// Returns the value of `name`; notes it when there is none.
    fn wanted(&mut self, name: &str, start: usize) -> Result<String, Failure> {
        let value = self.value(name, start)?;
        Ok(value.unwrap_or_else(|| {
            // A word that names one a million times needs to say so once.
            if self.unset.last().is_none_or(|last| last != name) {
                self.unset.push(name.to_owned());
            }
            String::new()
        }))
    }
}
