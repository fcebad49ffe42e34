//! Lines, continuations and comments.

use std::ops::Range;

use crate::{Escape, Remark, RemarkKind, Span};

/// One physical line, as offsets in the source.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) start: usize,
    /// Without line feed and carriage returns.
    pub(crate) end: usize,
    /// Where the next line begins.
    pub(crate) next: usize,
}

impl Line {
    pub(crate) fn text(self, source: &str) -> &str {
        &source[self.start..self.end]
    }
}

/// One instruction's text: lines joined, comments and continuations left out, and where each part came from.
pub(crate) struct Logical {
    pub(crate) text: String,
    /// Pairs of an offset in `text` and the offset in the source that it came from, ascending.
    segments: Vec<(usize, usize)>,
}

impl Logical {
    /// Returns the source offset of the byte at `offset` of the text.
    fn source_offset(&self, offset: usize) -> usize {
        let after = self.segments.partition_point(|&(text, _)| text <= offset);
        let (text, source) = self.segments[after.saturating_sub(1)];
        source + (offset - text)
    }

    /// Returns the span that `range` of the text was written at. One that is empty lies behind the text before it, not behind the
    /// continuations that may follow, which are of no instruction where the file ends with them.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let Some(last) = range.end.checked_sub(1) else {
            let place = self.source_offset(0);
            return Span::new(place, place);
        };
        let end = self.source_offset(last) + 1;
        let start = if range.is_empty() { end } else { self.source_offset(range.start) };
        Span::new(start, end)
    }
}

/// Reads logical lines one after the other.
pub(crate) struct Lexer<'a> {
    pub(crate) source: &'a str,
    pub(crate) offset: usize,
    pub(crate) escape: Escape,
    pub(crate) comments: Vec<Span>,
    pub(crate) remarks: Vec<Remark>,
}

impl<'a> Lexer<'a> {
    /// Begins after the byte-order mark, if there is one.
    pub(crate) fn new(source: &'a str) -> Self {
        let offset = source.len() - source.trim_start_matches('\u{feff}').len();
        let offset = offset.min('\u{feff}'.len_utf8());
        Self {
            source,
            offset,
            escape: Escape::default(),
            comments: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Returns the next physical line without taking it.
    pub(crate) fn peek(&self) -> Option<Line> {
        let rest = self.source.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n');
        let content = &rest[..length.unwrap_or(rest.len())];
        Some(Line {
            start: self.offset,
            end: self.offset + content.trim_end_matches('\r').len(),
            next: self.offset + length.map_or(rest.len(), |length| length + 1),
        })
    }

    /// Takes the next physical line.
    pub(crate) fn line(&mut self) -> Option<Line> {
        let line = self.peek()?;
        self.offset = line.next;
        Some(line)
    }

    /// Takes the next instruction, however many lines it has.
    pub(crate) fn logical(&mut self) -> Option<Logical> {
        loop {
            let line = self.line()?;
            if self.is_comment(line) {
                continue;
            }
            let text = line.text(self.source);
            let start = line.start + (text.len() - text.trim_start().len());
            let mut logical = Logical {
                text: String::with_capacity(text.len()),
                segments: Vec::with_capacity(1),
            };
            let mut continues = self.append(&mut logical, start..line.end);
            let mut blank = None;
            while continues {
                let Some(line) = self.line() else { break };
                if self.is_comment(line) {
                    continue;
                }
                if line.text(self.source).trim().is_empty() {
                    blank.get_or_insert(Span::new(line.start, line.end));
                    continue;
                }
                continues = self.append(&mut logical, line.start..line.end);
            }
            let remark = |span| Remark { kind: RemarkKind::EmptyContinuation, span };
            self.remarks.extend(blank.map(remark));
            if !logical.text.trim().is_empty() {
                return Some(logical);
            }
        }
    }

    /// Joins a part of the source to `logical`; returns whether it ends in a continuation.
    fn append(&self, logical: &mut Logical, range: Range<usize>) -> bool {
        let text = &self.source[range.clone()];
        let continued = continued(text, self.escape);
        let kept = continued.unwrap_or(text);
        logical.segments.push((logical.text.len(), range.start));
        logical.text.push_str(kept);
        continued.is_some()
    }

    fn is_comment(&mut self, line: Line) -> bool {
        let text = line.text(self.source);
        let trimmed = text.trim_start();
        let comment = trimmed.starts_with('#');
        if comment {
            let start = line.end - trimmed.len();
            self.comments.push(Span::new(start, line.end));
        }
        comment
    }
}

/// Returns the text before a continuation at the end of `line`, if there is one.
///
/// Blanks may follow the escape character; two of them do not continue.
fn continued(line: &str, escape: Escape) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape.as_char())?;
    (!before.ends_with(escape.as_char())).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        let mut lexer = Lexer::new(source);
        std::iter::from_fn(|| lexer.logical()).map(|logical| logical.text).collect()
    }

    #[test]
    fn lines_are_joined_with_nothing_in_between() {
        assert_eq!(texts("RUN a\\\nb"), ["RUN ab"]);
        assert_eq!(texts("RUN a \\  \t\n  b\n"), ["RUN a   b"]);
        assert_eq!(texts("RUN a \\\r\n  b\r\n"), ["RUN a   b"]);
    }

    #[test]
    fn two_escapes_do_not_continue() {
        assert_eq!(texts("RUN a\\\\\nRUN b"), ["RUN a\\\\", "RUN b"]);
    }

    #[test]
    fn comments_between_continued_lines_vanish() {
        assert_eq!(texts("RUN a \\\n  # why\n&& b"), ["RUN a && b"]);
    }

    #[test]
    fn a_continuation_at_the_end_just_ends() {
        assert_eq!(texts("RUN a \\"), ["RUN a "]);
        assert_eq!(texts("\\\n"), Vec::<String>::new());
    }

    #[test]
    fn spans_lead_back_to_the_source() {
        let source = "\u{feff}RUN a\\\n  b c";
        let logical = Lexer::new(source).logical().unwrap();
        let range = logical.text.find('b').unwrap()..logical.text.len();
        assert_eq!(logical.span(range).text(source), "b c");
        assert_eq!(logical.span(0..3).text(source), "RUN");
        let source = "ARG a=\\\n\\\n\n";
        let logical = Lexer::new(source).logical().unwrap();
        let end = logical.text.len();
        assert_eq!(logical.span(end..end), Span::new(6, 6));
    }
}
