//! Random choices that a failure lets one repeat.

use std::{
    io::Write as _,
    ops::Range,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::Length;

/// The variable with the seed of an earlier run.
pub const SEED_VARIABLE: &str = "NOTES_TEST_SEED";
/// The variable that says how many rounds a test makes.
pub const ROUNDS_VARIABLE: &str = "NOTES_TEST_ROUNDS";

/// Numbers that look random and follow from a seed. A test that fails while it has one prints how to repeat it.
///
/// # Examples
///
/// ```
/// use notes_testkit::Chance;
///
/// let (mut one, mut other) = (Chance::with_seed("doc", 7), Chance::with_seed("doc", 7));
/// assert_eq!(one.below(1000), other.below(1000));
/// ```
#[derive(Debug)]
pub struct Chance {
    test: String,
    seed: u64,
    state: u64,
}

impl Chance {
    /// Starts from `NOTES_TEST_SEED`, else from the clock.
    pub fn new(test: &str) -> Self {
        let given = std::env::var(SEED_VARIABLE).ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::with_seed(test, given.unwrap_or_else(|| u64::from(clock().subsec_nanos())))
    }

    /// Starts from `seed`.
    pub fn with_seed(test: &str, seed: u64) -> Self {
        Self { test: test.into(), seed, state: seed }
    }

    /// Returns the numbers of the rounds to make: `NOTES_TEST_ROUNDS` of them, else `sample`, and `whole` in a long run.
    pub fn rounds(&self, sample: usize, whole: usize) -> Range<usize> {
        let given = std::env::var(ROUNDS_VARIABLE).ok().and_then(|text| text.parse().ok());
        0..given.unwrap_or_else(|| Length::from_env().choose(sample, whole))
    }

    /// Returns a number below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): short, and good enough to choose with.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.state;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % limit
    }

    /// Returns a moment before `end`, to a hundredth of a millisecond.
    pub fn moment(&mut self, end: Duration) -> Duration {
        let hundredths = u64::try_from(end.as_micros() / 10).unwrap_or(u64::MAX);
        Duration::from_micros(10 * self.below(hundredths.max(1)))
    }

    /// Returns one of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or_default();
        choices[index]
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if thread::panicking() {
            let (test, seed) = (&self.test, self.seed);
            let _ = writeln!(std::io::stderr(), "{test}: repeat it with {SEED_VARIABLE}={seed}");
        }
    }
}
