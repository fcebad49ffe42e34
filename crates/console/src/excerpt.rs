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
    width: usize,
}

/// Longer lines are cut: a minified file would otherwise fill the screen.
const LONGEST_LINE: usize = 160;

impl Excerpt {
    /// Returns the excerpt of `source` at the bytes of `range`; what lies beyond the end of the first line is not marked.
    pub fn new(file: impl Into<String>, source: &str, range: Range<usize>) -> Self {
        let start = floor(source, range.start.min(source.len()));
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_text = source[line_start..].lines().next().unwrap_or_default();
        let end = floor(source, range.end.clamp(start, (line_start + line_text.len()).max(start)));
        Self {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            // A tab is one column here, or the caret would stand elsewhere than what it points to.
            text: line_text.replace('\t', " ").chars().take(LONGEST_LINE).collect(),
            width: source[start..end].chars().count().max(1),
        }
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

/// Returns the character border at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index).rev().find(|&border| text.is_char_boundary(border)).unwrap_or(0)
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(f, "{margin} | {:pad$}", "", pad = self.column - 1)?;
        let visible = LONGEST_LINE.saturating_sub(self.column - 1).max(1);
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
    fn a_line_is_marked_without_its_indentation() {
        insta::assert_snapshot!(Excerpt::of_line(".dockerignore", "a\n  b/*  \n", 2), @r"
         --> .dockerignore:2:3
          |
        2 |   b/*  
          |   ^^^
        ");
    }
}
