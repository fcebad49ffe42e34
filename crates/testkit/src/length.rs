//! How far a test goes.

use std::env;

/// The variable that makes long suites run whole.
pub const LONG_VARIABLE: &str = "NOTES_TEST_LONG";

/// How much of a suite runs that takes long: many rounds, large files, every pair of versions.
///
/// # Examples
///
/// ```
/// use notes_testkit::Length;
///
/// let megabytes = Length::Sample.choose(10, 4096);
/// assert_eq!(megabytes, 10);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// A part that shows most of what can break, in seconds.
    #[default]
    Sample,
    /// All of it: `cargo xtask test --long`.
    Whole,
}

impl Length {
    /// Reads `NOTES_TEST_LONG`: suites run whole where it says anything.
    pub fn from_env() -> Self {
        match env::var_os(LONG_VARIABLE) {
            Some(value) if !value.is_empty() => Self::Whole,
            _ => Self::Sample,
        }
    }

    /// Returns what belongs to this length.
    pub fn choose<T>(self, sample: T, whole: T) -> T {
        match self {
            Self::Sample => sample,
            Self::Whole => whole,
        }
    }
}
