//! The kinds of values a setting has, each readable from the text of a variable.

use std::{fmt, str::FromStr, time::Duration};

/// A value that a variable can hold.
pub trait FromText: Sized {
    /// What is expected, for the sentence "`X` is not …".
    const EXPECTED: &'static str;

    /// Reads the value, or `None` if `text` is not one.
    fn from_text(text: &str) -> Option<Self>;
}

impl FromText for String {
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

macro_rules! from_number {
    ($($number:ty: $expected:literal),+) => {$(
        impl FromText for $number {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )+};
}

from_number!(
    u8: "a number from 0 to 255", u16: "a number from 0 to 65535", u32: "a number from 0 to 4294967295"
);

/// Several texts; a variable separates them by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

impl FromText for List {
    const EXPECTED: &'static str = "a list separated by commas";

    fn from_text(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(Self(items.map(Into::into).collect()))
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// A program and its arguments; a text is one line for a shell, as in a Dockerfile.
///
/// ```
/// use notes_console::settings::{CommandLine, FromText};
///
/// let line = CommandLine::from_text("python manage.py migrate").unwrap();
/// assert_eq!(line.0, ["/bin/sh", "-c", "python manage.py migrate"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(pub Vec<String>);

impl FromText for CommandLine {
    const EXPECTED: &'static str = "a command, as a text or a list of texts in quotes";

    fn from_text(text: &str) -> Option<Self> {
        let line = text.trim();
        (!line.is_empty()).then(|| Self(["/bin/sh", "-c", line].map(Into::into).to_vec()))
    }
}

/// For flags.
impl FromStr for CommandLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_text(text).ok_or_else(|| format!("it is not {}", Self::EXPECTED))
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [shell, flag, line] if shell == "/bin/sh" && flag == "-c" => f.write_str(line),
            words => f.write_str(&words.join(" ")),
        }
    }
}

/// A duration: `90s`, `5m`, `1h30m`; a bare number is seconds.
///
/// ```
/// use notes_console::settings::{FromText, Seconds};
///
/// assert_eq!(Seconds::from_text("1h30m"), Some(Seconds(5_400)));
/// assert_eq!(Seconds::from_text("90"), Some(Seconds(90)));
/// assert_eq!(Seconds::from_text("soon"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Returns it as the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromText for Seconds {
    const EXPECTED: &'static str = "a duration such as `90s`, `5m` or `1h30m`";

    fn from_text(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse() {
            return Some(Self(seconds));
        }
        let mut total = 0_u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let amount: u64 = rest[..digits].parse().ok()?;
            let (unit, after) = rest[digits..].split_at_checked(1)?;
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                _ => return None,
            };
            total = total.checked_add(amount.checked_mul(seconds)?)?;
            rest = after;
        }
        (!text.is_empty()).then_some(Self(total))
    }
}

/// For flags.
impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_text(text).ok_or_else(|| format!("it is not {}", Self::EXPECTED))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0s"),
            seconds if seconds % 3_600 == 0 => write!(f, "{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

/// Whether something is done when it is needed, in any case, or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// When it is needed.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

impl FromText for Switch {
    const EXPECTED: &'static str = "`auto`, `always` or `never`";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// For flags.
impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_text(text).ok_or_else(|| format!("it is not {}", Self::EXPECTED))
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_print() {
        for seconds in [0, 1, 59, 60, 90, 3_600, 5_400, 86_400] {
            let printed = Seconds(seconds).to_string();
            assert_eq!(Seconds::from_text(&printed), Some(Seconds(seconds)), "{printed}");
        }
        for text in ["", "m", "5x", "5m5", "-1", "99999999999999999999h", "5é"] {
            assert_eq!(Seconds::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_is_trimmed() {
        assert_eq!(List::from_text(" a, b,,"), Some(List(vec!["a".into(), "b".into()])));
    }
}
