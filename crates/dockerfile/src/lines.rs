//! Offsets to lines and columns.

use crate::Position;

/// Where the lines of a text begin, so that many offsets become positions without walking through the text for each.
///
/// ```
/// use notes_dockerfile::Lines;
///
/// let lines = Lines::of("FROM debian\nRUN true\n");
/// let position = lines.position(16);
/// assert_eq!((position.line, position.column), (2, 5));
/// ```
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of `text`.
    pub fn of(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Self { text, starts: Some(0).into_iter().chain(starts).collect() }
    }

    /// Returns the line and column of the byte at `offset`; the end of the text for what lies beyond it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts[line - 1];
        let before = self.text.as_bytes()[start..offset].iter();
        // Every character has one byte that does not continue it.
        let column = before.filter(|&&byte| byte & 0xC0 != 0x80).count() + 1;
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let lines = Lines::of("é x\n\ny");
        let at = |offset| {
            let Position { line, column } = lines.position(offset);
            (line, column)
        };
        assert_eq!(
            [0, 2, 3, 5, 6, 7, 99].map(at),
            [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2), (3, 2)]
        );
        assert_eq!(Lines::of("").position(0), Position { line: 1, column: 1 });
    }
}
