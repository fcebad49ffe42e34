//! Heredocs: files and scripts inside a Dockerfile.

use std::ops::Range;

use crate::Span;
use crate::error::{Fault, Reason, shortened};
use crate::lexer::Lexer;

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
    Literal,
}

impl Heredoc {
    /// Returns the line after `#!`, when the body names its own interpreter.
    pub fn interpreter(&self) -> Option<&str> {
        let line = self.body.strip_prefix("#!")?.lines().next().unwrap_or("");
        Some(line.trim())
    }
}

/// A heredoc word found in the text of an instruction, its body not yet read.
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) descriptor: u32,
    pub(crate) indentation: Indentation,
    pub(crate) expansion: Expansion,
    /// The place in the text that was searched.
    pub(crate) range: Range<usize>,
}

/// Returns the heredocs that `text` opens, in order: unquoted words of the form `[digits]<<[-]word`.
///
/// Text whose quotes do not close has none, as in moby's parser. The escape character is always `\` here: the text is
/// the shell's.
pub(crate) fn openings(text: &str) -> Vec<Opening> {
    let mut openings = Vec::new();
    if !text.contains("<<") {
        return openings;
    }
    let mut scanner = Scanner { text, offset: 0 };
    while scanner.skip_blanks() {
        let start = scanner.offset;
        let prefix = scanner.prefix();
        let Ok(name) = scanner.word() else { return Vec::new() };
        let Some((descriptor, indentation)) = prefix else { continue };
        if name.text.is_empty() || name.angle {
            continue;
        }
        let expansion = if name.quoted { Expansion::Literal } else { Expansion::Variables };
        let range = start..scanner.offset;
        openings.push(Opening { name: name.text, descriptor, indentation, expansion, range });
    }
    openings
}

/// Walks over the words of shell text.
struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

struct Name {
    text: String,
    quoted: bool,
    /// Whether a `<` is in it: then it is none.
    angle: bool,
}

impl Name {
    fn push(&mut self, character: Option<char>) {
        self.angle |= character == Some('<');
        self.text.extend(character);
    }
}

struct Unclosed;

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.offset..]
    }

    /// Skips white space; returns whether anything is left.
    fn skip_blanks(&mut self) -> bool {
        self.offset = self.text.len() - self.rest().trim_start().len();
        self.offset < self.text.len()
    }

    /// Takes `[digits]<<[-]` and the blanks after it.
    fn prefix(&mut self) -> Option<(u32, Indentation)> {
        let rest = self.rest();
        let after_digits = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let digits = &rest[..rest.len() - after_digits.len()];
        let after = after_digits.strip_prefix("<<")?;
        let descriptor = digits.parse().unwrap_or(0);
        let stripped = after.strip_prefix('-');
        let indentation = match stripped {
            Some(_) => Indentation::StripTabs,
            None => Indentation::Keep,
        };
        let word = stripped.unwrap_or(after).trim_start_matches([' ', '\t']);
        self.offset = self.text.len() - word.len();
        Some((descriptor, indentation))
    }

    /// Takes a word.
    fn word(&mut self) -> Result<Name, Unclosed> {
        let mut name = Name { text: String::new(), quoted: false, angle: false };
        let start = self.offset;
        let mut quote = None;
        let mut characters = self.text[start..].char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            match (quote, character) {
                (None, blank) if blank.is_whitespace() => {
                    self.offset = start + offset;
                    return Ok(name);
                }
                (None, '\'' | '"') => {
                    quote = Some(character);
                    name.quoted = true;
                }
                (Some(open), close) if open == close => quote = None,
                (None, '\\') => name.push(characters.next().map(|(_, escaped)| escaped)),
                (Some('"'), '\\') => {
                    let special = characters.next_if(|&(_, next)| matches!(next, '"' | '$' | '\\'));
                    name.push(Some(special.map_or(character, |(_, escaped)| escaped)));
                }
                _ => name.push(Some(character)),
            }
        }
        self.offset = self.text.len();
        if quote.is_some() { Err(Unclosed) } else { Ok(name) }
    }
}

/// Reads the body of a heredoc: the lines up to one that is just its name.
pub(crate) fn read_body(
    opening: &Opening,
    span: Span,
    lexer: &mut Lexer<'_>,
) -> Result<Heredoc, Fault> {
    let strip = |text| match opening.indentation {
        Indentation::Keep => text,
        Indentation::StripTabs => str::trim_start_matches(text, '\t'),
    };
    let start = lexer.offset;
    while let Some(line) = lexer.line() {
        if strip(line.text(lexer.source)) == opening.name {
            let written = &lexer.source[start..line.start];
            let body = match opening.indentation {
                Indentation::Keep => written.to_owned(),
                Indentation::StripTabs => written.split_inclusive('\n').map(strip).collect(),
            };
            return Ok(Heredoc {
                name: opening.name.clone(),
                descriptor: opening.descriptor,
                indentation: opening.indentation,
                expansion: opening.expansion,
                body,
                span,
                body_span: Span::new(start, line.start),
            });
        }
    }
    let name = shortened(&opening.name);
    Err(Fault::new(Reason::HeredocUnterminated { name }, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        openings(text).into_iter().map(|opening| opening.name).collect()
    }

    #[test]
    fn heredoc_words_are_told_from_other_words() {
        for text in [
            "<<EOF",
            "<<-EOF",
            "<<'EOF'",
            "<<EO\"F\"",
            "<< EOF",
            "<<- EOF",
            "4<<EOF",
            "cat <<EOF > f",
        ] {
            assert_eq!(names(text), ["EOF"], "{text}");
        }
        for text in [
            "",
            "EOF",
            "<<",
            "<<-",
            "<EOF",
            "<<<EOF",
            "'<<EOF'",
            "\"<<EOF\"",
            "a<<EOF",
            "<<'EOF",
            "it's <<EOF",
        ] {
            assert!(names(text).is_empty(), "{text}");
        }
        assert_eq!(names("cat <<A >x && cat <<B >y"), ["A", "B"]);
        assert_eq!(names("<<'one two'"), ["one two"]);
        assert_eq!(names("<<eo\\'f"), ["eo'f"]);
        assert_eq!(names("<<$EOF"), ["$EOF"]);
    }
}
