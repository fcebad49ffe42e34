//! What a step is known by, and where what it made is found again.

mod index;
mod shared;

use std::{fmt, io};

use notes_oci::{Digest, Hashing};
use serde::{Deserialize, Serialize};

use crate::pack::Packed;

pub use index::{StepIndex, StepIndexError};
pub use shared::{CacheMount, Found, Kept, MountUse, SharedCache};

/// The identity of a step: a digest of everything that can change what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(Digest);

impl CacheKey {
    /// Returns the key as 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.hex()
    }

    /// Returns a number below `limit` that follows from the key.
    pub(crate) fn below(&self, limit: u16) -> i64 {
        let [first, second, ..] = *self.0.as_bytes();
        i64::from(u16::from_be_bytes([first, second]) % limit)
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.short())
    }
}

/// Collects the inputs of a step. Each has a name and a length in front, so that no two lists of inputs read the same.
///
/// # Examples
///
/// ```
/// use notes_image::cache::KeyBuilder;
///
/// let key = |text: &str| KeyBuilder::new("RUN").with("command", text).finish().0;
/// assert_eq!(key("make"), key("make"));
/// assert_ne!(key("make"), key("make install"));
/// ```
#[derive(Debug)]
pub struct KeyBuilder {
    hashing: Hashing<()>,
    inputs: Vec<Input>,
}

/// What the names of parts begin with that are files, directories, or the stage or image that is copied from.
pub(crate) const FILE: &str = "file";

/// What the names of parts begin with that are build arguments.
pub(crate) const ARGUMENT: &str = "argument";

/// One named input of a step, as `explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it is: `parent`, `files`, `command`.
    pub name: String,
    /// What it was: text, or a digest of something long.
    pub value: String,
}

impl KeyBuilder {
    /// Changes whenever this code makes other layers from equal inputs.
    const VERSION: &'static str = "notes-image 4";

    /// Starts the key of a step of this kind.
    pub fn new(kind: &str) -> Self {
        let builder = Self { hashing: Hashing::new(()), inputs: Vec::new() };
        builder.with("version", Self::VERSION).with("kind", kind)
    }

    /// Adds an input.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        for part in [name.as_bytes(), value] {
            self.hashing.update(&(part.len() as u64).to_be_bytes());
            self.hashing.update(part);
        }
        let value = match str::from_utf8(value) {
            Ok(text) if text.len() <= 200 => text.to_owned(),
            _ => Digest::of(value).to_string(),
        };
        self.inputs.push(Input { name: name.into(), value });
        self
    }

    /// Notes a part of what went in as a whole, so that `explain` can name it.
    pub fn with_part(mut self, name: impl Into<String>, value: &Digest) -> Self {
        self.inputs.push(Input { name: name.into(), value: value.to_string() });
        self
    }

    /// Returns the key and what went into it.
    pub fn finish(self) -> (CacheKey, Vec<Input>) {
        let ((), digest, _) = self.hashing.finish();
        (CacheKey(digest), self.inputs)
    }
}

/// What a step made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// A layer.
    Layer(Packed),
    /// Nothing that changes a file.
    Nothing,
}

/// Where results of steps are kept. A cache may forget; it must never return what was not kept under the same key.
pub trait LayerCache: Send + Sync {
    /// Returns what the step made, if that is known and still there.
    fn find(&self, key: &CacheKey) -> Option<Made>;

    /// Remembers what the step made.
    fn keep(&self, key: &CacheKey, made: &Made) -> io::Result<()>;
}

/// A cache that keeps nothing, for a build that is to leave no trace.
impl LayerCache for () {
    fn find(&self, _: &CacheKey) -> Option<Made> {
        None
    }

    fn keep(&self, _: &CacheKey, _: &Made) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_from_one_input_to_the_next_changes_the_key() {
        let key = |first: &str, second: &str| {
            KeyBuilder::new("RUN").with("a", first).with("b", second).finish().0
        };
        assert_ne!(key("ab", "c"), key("a", "bc"));
    }
}
