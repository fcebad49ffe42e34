//! What follows a keyword: flags, words, JSON.

use std::ops::Range;

use crate::error::{Fault, Reason, shortened};
use crate::json::{self, NotStrings};
use crate::lexer::Logical;
use crate::suggestion::nearest;
use crate::{Escape, Remark, RemarkKind, Span, Spanned, Word};

/// The white space between words, as in moby's parser: no line feed, no exotic blanks.
pub(crate) const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// The text of one instruction after its keyword.
pub(crate) struct Arguments<'a> {
    pub(crate) logical: &'a Logical,
    pub(crate) escape: Escape,
    pub(crate) instruction: &'static str,
    pub(crate) keyword: Span,
    pub(crate) flags: Vec<Flag>,
    /// What follows the flags, trimmed, in the logical text.
    pub(crate) rest: Range<usize>,
}

/// One flag, quotes and escapes removed.
pub(crate) struct Flag {
    name: String,
    value: Option<Spanned<String>>,
    span: Span,
}

/// The strings of an exec form, or notice that it is the shell form.
pub(crate) enum Form {
    Exec(Vec<Word>),
    Shell,
}

impl<'a> Arguments<'a> {
    /// Reads the flags at the beginning of `range`.
    pub(crate) fn new(
        logical: &'a Logical,
        escape: Escape,
        instruction: &'static str,
        keyword: Span,
        range: Range<usize>,
    ) -> Self {
        let mut arguments =
            Self { logical, escape, instruction, keyword, flags: Vec::new(), rest: range };
        arguments.trim();
        while arguments.text().starts_with("--") {
            let start = arguments.rest.start;
            let (value, length) = unquoted(arguments.text(), escape);
            arguments.rest.start += length;
            arguments.trim();
            if value == "--" {
                break;
            }
            arguments.flags.push(Flag::new(logical, &value, start..start + length));
        }
        arguments
    }

    /// Returns the text after the flags.
    pub(crate) fn text(&self) -> &'a str {
        &self.logical.text[self.rest.clone()]
    }

    fn trim(&mut self) {
        let text = self.text();
        let trimmed = text.trim_start();
        self.rest.start += text.len() - trimmed.len();
        self.rest.end = self.rest.start + trimmed.trim_end().len();
    }

    /// Returns the span of `range`, which counts from the beginning of [`Self::text`].
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        self.logical.span(self.rest.start + range.start..self.rest.start + range.end)
    }

    /// Returns the word at `range`.
    pub(crate) fn word(&self, range: Range<usize>) -> Word {
        Word::new(&self.text()[range.clone()], self.escape, self.span(range))
    }

    /// Returns the text as one word.
    pub(crate) fn whole(&self, expected: &'static str) -> Result<Word, Fault> {
        self.required(expected)?;
        Ok(self.word(0..self.text().len()))
    }

    /// Fails when nothing follows the flags.
    pub(crate) fn required(&self, expected: &'static str) -> Result<(), Fault> {
        if self.rest.is_empty() { Err(self.missing(expected)) } else { Ok(()) }
    }

    pub(crate) fn missing(&self, expected: &'static str) -> Fault {
        let instruction = self.instruction;
        Fault::new(Reason::Arguments { instruction, expected }, self.keyword)
    }

    /// Returns the ranges of the words between blanks, whatever quotes they hold.
    pub(crate) fn blank_separated(&self) -> Vec<Range<usize>> {
        let text = self.text();
        let base = text.as_ptr() as usize;
        text.split(BLANKS)
            .filter(|word| !word.is_empty())
            .map(|word| {
                let start = word.as_ptr() as usize - base;
                start..start + word.len()
            })
            .collect()
    }

    /// Returns the ranges of the words between blanks that are neither quoted nor escaped.
    pub(crate) fn quote_separated(&self) -> Vec<Range<usize>> {
        let escape = self.escape.as_char();
        let mut words = Vec::new();
        let mut start = None;
        let mut quote = None;
        let mut characters = self.text().char_indices();
        while let Some((offset, character)) = characters.next() {
            if quote.is_none() && character.is_whitespace() {
                words.extend(start.take().map(|start| start..offset));
                continue;
            }
            start.get_or_insert(offset);
            if character == escape && quote != Some('\'') {
                characters.next();
            } else if quote == Some(character) {
                quote = None;
            } else if quote.is_none() && matches!(character, '\'' | '"') {
                quote = Some(character);
            }
        }
        words.extend(start.map(|start| start..self.text().len()));
        words
    }

    /// Returns the strings of a JSON array, if the text is one.
    pub(crate) fn form(&self, remarks: &mut Vec<Remark>) -> Result<Form, Fault> {
        if !self.text().starts_with('[') {
            return Ok(Form::Shell);
        }
        let span = self.span(0..self.text().len());
        match json::strings(self.text()) {
            Ok(strings) => Ok(Form::Exec(
                strings
                    .into_iter()
                    .map(|(value, range)| Word::new(value, self.escape, self.span(range)))
                    .collect(),
            )),
            Err(NotStrings::Element) => Err(Fault::new(Reason::NotStrings, span)),
            Err(NotStrings::Json) => {
                remarks.push(Remark { kind: RemarkKind::BrokenJson, span });
                Ok(Form::Shell)
            }
        }
    }

    /// Takes the values of a flag that may be repeated.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<Spanned<String>>, Fault> {
        self.flags.extract_if(.., |flag| flag.name == name).map(Flag::required).collect()
    }

    /// Takes the value of a flag.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<Spanned<String>>, Fault> {
        self.once(name)?.map(Flag::required).transpose()
    }

    /// Takes the value of a flag that may hold variables.
    pub(crate) fn value_word(&mut self, name: &str) -> Result<Option<Word>, Fault> {
        let escape = self.escape;
        Ok(self.value(name)?.map(|Spanned { value, span }| Word::new(value, escape, span)))
    }

    /// Takes a flag that is on or off.
    pub(crate) fn switch(&mut self, name: &str) -> Result<Option<Spanned<bool>>, Fault> {
        let Some(flag) = self.once(name)? else { return Ok(None) };
        let on = match &flag.value {
            None => true,
            Some(value) if value.eq_ignore_ascii_case("true") => true,
            Some(value) if value.eq_ignore_ascii_case("false") => false,
            Some(value) => {
                let reason = Reason::NotBoolean { value: shortened(value) };
                return Err(Fault::new(reason, value.span));
            }
        };
        Ok(Some(Spanned::new(on, flag.span)))
    }

    /// Takes a flag that is on or off; returns its place when it is on.
    pub(crate) fn switched_on(&mut self, name: &str) -> Result<Option<Span>, Fault> {
        Ok(self.switch(name)?.filter(|on| on.value).map(|on| on.span))
    }

    /// Fails when a flag is left that the instruction does not have.
    pub(crate) fn no_more_flags(&self, known: &[&'static str]) -> Result<(), Fault> {
        let Some(flag) = self.flags.first() else { return Ok(()) };
        let suggestion = nearest(&flag.name, known.iter().copied()).map(str::to_owned);
        let (instruction, name) = (self.instruction, shortened(&flag.name));
        let reason = Reason::UnknownFlag { instruction, flag: name, suggestion };
        Err(Fault::new(reason, flag.span))
    }

    fn once(&mut self, name: &str) -> Result<Option<Flag>, Fault> {
        let mut flags = self.flags.extract_if(.., |flag| flag.name == name);
        let first = flags.next();
        match flags.next() {
            Some(again) => {
                let flag = again.name.clone();
                Err(Fault::new(Reason::FlagRepeated { flag }, again.span))
            }
            None => Ok(first),
        }
    }
}

impl Flag {
    fn new(logical: &Logical, text: &str, range: Range<usize>) -> Self {
        let span = logical.span(range.clone());
        let text = text.strip_prefix("--").unwrap_or(text);
        let written = &logical.text[range.clone()];
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => {
                let start = range.start + written.find('=').map_or(0, |equals| equals + 1);
                let value = Spanned::new(value.to_owned(), logical.span(start..range.end));
                (name, Some(value))
            }
            None => (text, None),
        };
        Self { name: name.to_owned(), value, span }
    }

    fn required(self) -> Result<Spanned<String>, Fault> {
        let Self { name, value, span } = self;
        let fault = || Fault::new(Reason::FlagValue { flag: name }, span);
        value.filter(|value| !value.is_empty()).ok_or_else(fault)
    }
}

/// Returns the first word of `text` without quotes and escapes, and how long it was with them.
fn unquoted(text: &str, escape: Escape) -> (String, usize) {
    // Most flags end at the first blank.
    let mut word = String::with_capacity(text.find(char::is_whitespace).unwrap_or(text.len()));
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        match quote {
            None if character.is_whitespace() => return (word, offset),
            _ if character == escape.as_char() => {
                word.extend(characters.next().map(|(_, escaped)| escaped));
            }
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ => word.push(character),
        }
    }
    (word, text.len())
}
