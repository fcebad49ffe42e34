//! How a place in a Dockerfile is shown to a person.

use std::fmt;

use crate::Span;

/// The longest part of a line that an excerpt shows, in characters.
const WINDOW: usize = 120;

/// A place in the text as editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// One line of the source with a part of it marked.
///
/// It owns its text, so that an error can carry it beyond the file it came from. A very long line is cut around the mark.
///
/// ```
/// use notes_dockerfile::{Excerpt, Span};
///
/// let excerpt = Excerpt::new("FROM debian\nRUNN true\n", Span::new(12, 16));
/// assert_eq!(excerpt.to_string(), "  |\n2 | RUNN true\n  | ^^^^\n");
/// assert_eq!((excerpt.position.line, excerpt.position.column), (2, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Where the marked part begins.
    pub position: Position,
    /// The line, or the part of it that is shown.
    line: String,
    /// The number of characters before the mark.
    indent: usize,
    /// The number of marked characters, at least one.
    width: usize,
}

impl Excerpt {
    /// Returns the line of `source` that `span` begins on. A span over several lines is marked to the end of the first.
    pub fn new(source: &str, span: Span) -> Self {
        let start = floor_boundary(source, span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |length| start + length);
        let line = source[line_start..line_end].trim_end_matches('\r');
        let line_end = line_start + line.len();
        let end = floor_boundary(source, span.end).clamp(start, line_end.max(start));
        let before = source[line_start..start].chars().count();
        let marked = source[start..end].trim_end().chars().count().max(1);
        let number = source[..line_start].bytes().filter(|&byte| byte == b'\n').count() + 1;
        let skipped = before.saturating_sub(WINDOW / 3);
        Self {
            position: Position { line: number, column: before + 1 },
            line: printable(line.chars().skip(skipped).take(WINDOW)),
            indent: before - skipped,
            width: marked.min(WINDOW.saturating_sub(before - skipped)).max(1),
        }
    }
}

/// Prints the line with its number, and a row of carets below it.
impl fmt::Display for Excerpt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.position.line.to_string();
        let gutter = " ".repeat(number.len());
        let (indent, carets) = (" ".repeat(self.indent), "^".repeat(self.width));
        writeln!(formatter, "{gutter} |")?;
        writeln!(formatter, "{number} | {}", self.line)?;
        writeln!(formatter, "{gutter} | {indent}{carets}")
    }
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The build goes on.
    Warning,
    /// The build stops.
    Error,
}

impl Severity {
    /// Returns the word that a report begins with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Returns the report that a person reads: message, place, line with carets, and hint.
///
/// Engines use it for their own errors too: they have the message, and the instruction has the span.
///
/// ```
/// use notes_dockerfile::{Severity, Span, render};
///
/// let source = "FROM debian\nRUN --device=gpu true\n";
/// let report = render(Severity::Error, "`--device` is not supported", "Dockerfile", source, Span::new(16, 28), None);
/// assert_eq!(report, "\
/// error: `--device` is not supported
///  --> Dockerfile:2:5
///   |
/// 2 | RUN --device=gpu true
///   |     ^^^^^^^^^^^^
/// ");
/// ```
pub fn render(
    severity: Severity,
    message: &str,
    name: &str,
    source: &str,
    span: Span,
    hint: Option<&str>,
) -> String {
    render_excerpt(severity, message, name, &Excerpt::new(source, span), hint)
}

pub(crate) fn render_excerpt(
    severity: Severity,
    message: &str,
    name: &str,
    excerpt: &Excerpt,
    hint: Option<&str>,
) -> String {
    let Position { line, column } = excerpt.position;
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let severity = severity.as_str();
    format!("{severity}: {message}\n --> {name}:{line}:{column}\n{excerpt}{hint}")
}

/// Returns the characters as one line of a terminal: a tab is a space and other controls are replaced, so that the carets
/// stand below what they mark and a file cannot move the cursor.
fn printable(line: impl Iterator<Item = char>) -> String {
    line.map(|character| match character {
        '\t' => ' ',
        control if control.is_control() => '\u{fffd}',
        other => other,
    })
    .collect()
}

fn floor_boundary(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let source = format!("RUN {}X{}", "a".repeat(1000), "b".repeat(1000));
        let excerpt = Excerpt::new(&source, Span::new(1004, 1005));
        assert_eq!(excerpt.position, Position { line: 1, column: 1005 });
        let text = excerpt.to_string();
        assert!(text.lines().all(|line| line.chars().count() < WINDOW + 10), "{text}");
        let column = text.lines().nth(2).unwrap().find('^').unwrap();
        assert_eq!(&text.lines().nth(1).unwrap()[column..=column], "X");
    }

    #[test]
    fn an_offset_beyond_the_end_or_inside_a_character_is_no_panic() {
        Excerpt::new("", Span::new(5, 9));
        let excerpt = Excerpt::new("é", Span::new(1, 1));
        assert_eq!(excerpt.position.column, 1);
    }
}
