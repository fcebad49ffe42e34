//! Reads a table key by key. A key is declared by being asked for, and what nobody asked for is an error.

use std::{collections::BTreeMap, io, ops::Range, path::PathBuf, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{CommandLine, FromText, List, Located, Place, Seconds, Switch};
use crate::{Excerpt, closest};

/// The error returned when a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is there but cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("`{}` line {} is not TOML: {message}", place.file, place.line)]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
        /// The line.
        excerpt: Box<Excerpt>,
    },
    /// A key means nothing to us.
    #[error("unknown key `{key}` in `{}` line {}", place.file, place.line)]
    UnknownKey {
        /// The key with its section.
        key: String,
        /// Where.
        place: Place,
        /// The line.
        excerpt: Box<Excerpt>,
        /// The key that was meant, perhaps.
        suggestion: Option<String>,
        /// The keys that may stand there.
        known: Vec<&'static str>,
    },
    /// A value is of another kind than the key needs.
    #[error("`{key}` in `{}` line {} is {found}, not {expected}", place.file, place.line)]
    Kind {
        /// The key with its section.
        key: String,
        /// Where.
        place: Place,
        /// The line.
        excerpt: Box<Excerpt>,
        /// What it needs.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}

impl FileError {
    /// Returns the place in the file.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Read { .. } => None,
            Self::Syntax { excerpt, .. }
            | Self::UnknownKey { excerpt, .. }
            | Self::Kind { excerpt, .. } => Some(excerpt),
        }
    }

    /// Returns what may be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { suggestion: Some(suggestion), .. } => {
                Some(format!("did you mean `{suggestion}`?"))
            }
            Self::UnknownKey { known, .. } => Some(format!("known keys are {}", known.join(", "))),
            _ => None,
        }
    }
}

/// The text of a file, to turn byte ranges into lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Arc<str>,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn excerpt(self, range: Range<usize>) -> Excerpt {
        Excerpt::new(&**self.file, self.text, range)
    }

    pub(super) fn place(self, range: Range<usize>) -> Place {
        Place { file: Arc::clone(self.file), line: self.excerpt(range).line() }
    }
}

/// A value a key may have.
pub(super) trait FromToml: Sized {
    const EXPECTED: &'static str;

    fn from_toml(value: &DeValue<'_>) -> Option<Self>;
}

impl FromToml for String {
    const EXPECTED: &'static str = "a text in quotes";

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(Into::into)
    }
}

impl FromToml for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! from_integer {
    ($($number:ty),+) => {$(
        impl FromToml for $number {
            const EXPECTED: &'static str = <$number as FromText>::EXPECTED;

            fn from_toml(value: &DeValue<'_>) -> Option<Self> {
                let integer = value.as_integer()?;
                Self::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
        }
    )+};
}

from_integer!(u8, u16, u32);

impl FromToml for List {
    const EXPECTED: &'static str = "a list of texts in quotes";

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let items = value.as_array()?.iter();
        items.map(|item| item.get_ref().as_str().map(Into::into)).collect::<Option<_>>().map(Self)
    }
}

impl FromToml for CommandLine {
    const EXPECTED: &'static str = <Self as FromText>::EXPECTED;

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(line) => Self::from_text(line),
            _ => List::from_toml(value).filter(|list| !list.0.is_empty()).map(|list| Self(list.0)),
        }
    }
}

/// A table from names of the user's own to texts.
impl FromToml for BTreeMap<String, String> {
    const EXPECTED: &'static str = "a table of texts in quotes";

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let pairs = value.as_table()?.iter();
        pairs
            .map(|(key, value)| Some((key.get_ref().to_string(), value.get_ref().as_str()?.into())))
            .collect()
    }
}

impl FromToml for Seconds {
    const EXPECTED: &'static str = <Self as FromText>::EXPECTED;

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Integer(seconds) => Self::from_text(seconds.as_str()),
            other => Self::from_text(other.as_str()?),
        }
    }
}

impl FromToml for Switch {
    const EXPECTED: &'static str = <Self as FromText>::EXPECTED;

    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        Self::from_text(value.as_str()?)
    }
}

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: Source<'a>,
    prefix: String,
    table: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self { source, prefix: String::new(), table: Some(table), asked: Vec::new() }
    }

    /// Reads the value of `key`.
    pub(super) fn value<T: FromToml>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Located<T>>, FileError> {
        let Some(spanned) = self.entry(key) else { return Ok(None) };
        let value = T::from_toml(spanned.get_ref())
            .ok_or_else(|| self.wrong_kind(key, spanned, T::EXPECTED))?;
        Ok(Some(Located { value, place: self.source.place(spanned.span()) }))
    }

    /// Starts to read the table under `key`; one that is not there is empty.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Self, FileError> {
        let prefix = format!("{}{key}.", self.prefix);
        let table = match self.entry(key) {
            None => None,
            Some(spanned) => Some(
                spanned
                    .get_ref()
                    .as_table()
                    .ok_or_else(|| self.wrong_kind(key, spanned, "a table"))?,
            ),
        };
        Ok(Self { source: self.source, prefix, table, asked: Vec::new() })
    }

    /// Ends: a key that nobody asked for is an error.
    pub(super) fn finish(self) -> Result<(), FileError> {
        let unknown = self
            .table
            .into_iter()
            .flat_map(DeTable::iter)
            .find(|(key, _)| !self.asked.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown else { return Ok(()) };
        let suggestion = closest(key.get_ref(), self.asked.iter().copied());
        Err(FileError::UnknownKey {
            key: format!("{}{}", self.prefix, key.get_ref()),
            place: self.source.place(key.span()),
            excerpt: self.source.excerpt(key.span()).into(),
            suggestion: suggestion.map(Into::into),
            known: self.asked,
        })
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table?.get(key)
    }

    fn wrong_kind(
        &self,
        key: &str,
        spanned: &Spanned<DeValue<'_>>,
        expected: &'static str,
    ) -> FileError {
        let found = match spanned.get_ref() {
            DeValue::String(text) => format!("`{text}`"),
            DeValue::Integer(number) => format!("`{}`", number.as_str()),
            DeValue::Boolean(value) => format!("`{value}`"),
            other => format!("of type {}", other.type_str()),
        };
        FileError::Kind {
            key: format!("{}{key}", self.prefix),
            place: self.source.place(spanned.span()),
            excerpt: self.source.excerpt(spanned.span()).into(),
            expected,
            found,
        }
    }
}
