//! How much may be done to put variables into words.

use std::cell::Cell;

use super::ExpandReason;

/// What one word may cost: less than a second. A pattern with many stars takes the square of its value.
const ONE_WORD: usize = 30_000_000;

/// How much may be done to put variables into words: characters of values, and steps of patterns.
///
/// A word has a limit of its own. Who expands the many words of a whole file shares one of these among them: a file that names
/// one long value a million times is then refused, and not expanded.
///
/// ```
/// use notes_dockerfile::{Escape, Span, Word, Work};
///
/// let word = Word::new("$A$A", Escape::Backslash, Span::default());
/// let (variables, work) = (|_: &str| Some("x".repeat(1_000)), Work::default());
/// let done = (0..1_000_000).take_while(|_| word.expand_within(&variables, &work).is_ok()).count();
/// assert!((1_000..100_000).contains(&done));
/// ```
#[derive(Debug)]
pub struct Work {
    left: Cell<usize>,
}

impl Default for Work {
    /// Returns what a whole file may cost.
    fn default() -> Self {
        Self::of_one_word()
    }
}

impl Work {
    pub(super) fn of_one_word() -> Self {
        Self { left: Cell::new(ONE_WORD) }
    }

    /// Fails where nothing is left.
    pub(super) fn check(&self) -> Result<(), ExpandReason> {
        self.take(1)
    }

    /// Takes `steps`; fails where there are not as many left.
    pub(super) fn take(&self, steps: usize) -> Result<(), ExpandReason> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or(ExpandReason::Work)
    }
}
