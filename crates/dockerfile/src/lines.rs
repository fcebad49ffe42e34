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
    /// How many characters begin before each block of the text: a line may be as long as all of it.
    characters: Vec<usize>,
}

/// The bytes of a block.
const BLOCK: usize = 1 << 10;

impl<'a> Lines<'a> {
    /// Finds the lines of `text`.
    pub fn of(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let mut count = 0;
        let before = |block: &[u8]| {
            let before = count;
            count += characters(block);
            before
        };
        let characters = text.as_bytes().chunks(BLOCK).map(before).collect();
        Self { text, starts: Some(0).into_iter().chain(starts).collect(), characters }
    }

    /// Returns the line and column of the byte at `offset`; the end of the text for what lies beyond it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let column = self.characters_before(offset) - self.characters_before(self.starts[line - 1]);
        Position { line, column: column + 1 }
    }

    fn characters_before(&self, offset: usize) -> usize {
        // An offset right after the last block has none of its own.
        let block = (offset / BLOCK).min(self.characters.len().saturating_sub(1));
        let known = self.characters.get(block).copied().unwrap_or(0);
        known + characters(&self.text.as_bytes()[block * BLOCK..offset])
    }
}

/// Returns how many characters begin in a part of a text: each has one byte that does not continue it.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
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
        let long = "aé".repeat(BLOCK);
        for offset in [0, 3, BLOCK, 3 * BLOCK - 3, 3 * BLOCK] {
            let column = long[..offset].chars().count() + 1;
            assert_eq!(Lines::of(&long).position(offset), Position { line: 1, column });
        }
    }
}
