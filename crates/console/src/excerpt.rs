//! The lines of a source file an error is about, with a caret under the place.

use std::{fmt, fmt::Write as _, ops::Range};

/// A place in a source file, ready to be shown.
///
/// ```
/// use notes_console::Excerpt;
///
/// let source = "FROM alpine\nCOPPY . /\n";
/// let excerpt = Excerpt::new("Dockerfile", source, 12..17);
/// assert_eq!((excerpt.line(), excerpt.column()), (2, 1));
/// assert_eq!(
///     excerpt.to_string(),
///     " --> Dockerfile:2:1\n  |\n2 | COPPY . /\n  | ^^^^^"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    file: String,
    line: usize,
    column: usize,
    text: String,
    /// How many characters of `text` stand before the mark.
    indent: usize,
    width: usize,
}

/// Longer lines are cut around the mark: a minified file would otherwise fill the screen.
const LONGEST_LINE: usize = 160;

impl Excerpt {
    /// Returns the excerpt of `source` at the bytes of `range`; what lies beyond the end of the first line is not marked.
    pub fn new(file: impl Into<String>, source: &str, range: Range<usize>) -> Self {
        let before = &source[..floor(source, range.start)];
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        let number = before.matches('\n').count() + 1;
        Self::at(file, source, range, (number, line.chars().count() + 1))
    }

    /// Returns the same where the line and the column of the place are known, counted from 1: they are not counted again for each
    /// of many excerpts of one long text.
    pub fn at(
        file: impl Into<String>,
        source: &str,
        range: Range<usize>,
        (line, column): (usize, usize),
    ) -> Self {
        let start = floor(source, range.start);
        let before = column - 1;
        let indent = if before > LONGEST_LINE / 3 * 2 { LONGEST_LINE / 3 } else { before };
        let shown = source[..start].char_indices().rev().take(indent).last();
        let shown = shown.map_or(start, |(offset, _)| offset);
        let marked = line_of(&source[start..floor(source, range.end.max(start))], LONGEST_LINE);
        // A tab is one column here, or the caret would stand elsewhere than what it points to.
        let text = line_of(&source[shown..], LONGEST_LINE).replace('\t', " ");
        let width = marked.chars().count().max(1);
        Self { file: file.into(), line, column, text, indent, width }
    }

    /// Returns the excerpt of a whole line, counted from 1, without its indentation.
    pub fn of_line(file: impl Into<String>, source: &str, line: usize) -> Self {
        let start: usize =
            source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let text = source[start..].lines().next().unwrap_or_default();
        let indent = text.len() - text.trim_start().len();
        Self::new(file, source, start + indent..start + text.trim_end().len().max(indent))
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column, counted from 1 in characters.
    pub fn column(&self) -> usize {
        self.column
    }
}

/// Returns the first line of `text`, or as many characters of it.
fn line_of(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(offset, _)| offset);
    text[..end].lines().next().unwrap_or_default()
}

/// Returns the character border of `text` at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&border| text.is_char_boundary(border)).unwrap_or(0)
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(f, "{margin} | {:pad$}", "", pad = self.indent)?;
        let visible = LONGEST_LINE - self.indent;
        (0..self.width.min(visible)).try_for_each(|_| f.write_char('^'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_in_any_text_is_shown_without_a_panic() {
        for source in ["", "\n", "é\né", "a\r\nb", "no newline"] {
            for start in 0..source.len() + 2 {
                for end in 0..source.len() + 3 {
                    let _ = Excerpt::new("f", source, start..end).to_string();
                }
            }
            for line in 0..4 {
                let _ = Excerpt::of_line("f", source, line).to_string();
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let source = format!("RUN {}X{}\n", "é".repeat(1_000), "b".repeat(1_000));
        let start = source.find('X').unwrap();
        let excerpt = Excerpt::new("f", &source, start..start + 1);
        assert_eq!((excerpt.line(), excerpt.column()), (1, 1_005));
        let text = excerpt.to_string();
        assert!(text.lines().all(|line| line.chars().count() < LONGEST_LINE + 5), "{text}");
        let at = |line: usize, mark: char| {
            text.lines().nth(line).unwrap().chars().position(|character| character == mark)
        };
        assert_eq!(at(2, 'X'), at(3, '^'));
    }

    #[test]
    fn a_line_is_marked_without_its_indentation() {
        insta::assert_snapshot!(Excerpt::of_line(".dockerignore", "a\n  b/*  \n", 2), @r"
         --> .dockerignore:2:3
          |
        2 |   b/*  
          |   ^^^
        ");
    }
}
