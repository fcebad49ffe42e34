//! `.dockerignore`: what is not part of the context.
//!
//! The rules are those of moby/patternmatcher. They are not those of `.gitignore`: every pattern is anchored at the root.

use crate::{Stars, Wildcard, WildcardError};

/// A `.dockerignore` file, or the patterns of `--exclude`.
///
/// ```
/// use notes_dockerfile::Ignore;
///
/// let ignore = Ignore::parse("*.md\n!README.md\n**/__pycache__\n")?;
/// assert_eq!(ignore.excludes("NOTES.md").map(|rule| rule.line), Some(1));
/// assert!(ignore.excludes("README.md").is_none());
/// assert!(ignore.excludes("app/__pycache__/views.pyc").is_some());
/// # Ok::<(), notes_dockerfile::IgnoreError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore {
    rules: Vec<IgnoreRule>,
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The line that it stands on, from 1; for `--exclude`, its number.
    pub line: usize,
    /// The pattern, cleaned, without `!`.
    pub pattern: String,
    /// What becomes of a match.
    pub effect: Effect,
    wildcard: Wildcard,
}

/// What an ignore pattern does to what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It leaves it out.
    Exclude,
    /// It takes it in again: the pattern began with `!`.
    Include,
}

/// The error returned when an ignore file has a bad pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoreError {
    /// A line is a lone `!`.
    #[error("line {line}: `!` is followed by no pattern")]
    Blank {
        /// The line.
        line: usize,
    },
    /// A pattern is malformed.
    #[error("line {line} is no pattern")]
    Pattern {
        /// The line.
        line: usize,
        /// What is wrong with it.
        source: WildcardError,
    },
}

impl IgnoreError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Blank { .. } => Some("delete the line, or name what is to be kept".to_owned()),
            Self::Pattern { .. } => {
                Some("a `[` or `\\` that is meant literally is written `\\[` or `\\\\`".to_owned())
            }
        }
    }
}

impl Ignore {
    /// Reads an ignore file.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.starts_with('#'));
        Self::read(lines.map(|(line, number)| (rooted(line.trim()), number)))
    }

    /// Reads the values of `--exclude`: `#` means nothing in them, and a leading slash is not dropped, so that such a pattern
    /// matches nothing, as in `BuildKit`.
    pub fn from_patterns<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, IgnoreError> {
        Self::read(patterns.into_iter().map(str::to_owned).zip(1..))
    }

    /// Reads patterns as moby's `patternmatcher.New` does.
    fn read(lines: impl Iterator<Item = (String, usize)>) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (text, line) in lines {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            // First cleaned, then looked at: `/!a` and `./!a` are exceptions too.
            let text = clean(text);
            let (effect, pattern) = match text.strip_prefix('!') {
                Some(pattern) => (Effect::Include, pattern),
                None => (Effect::Exclude, &*text),
            };
            if pattern.is_empty() {
                return Err(IgnoreError::Blank { line });
            }
            let wildcard = Wildcard::parse(pattern, Stars::Double)
                .map_err(|source| IgnoreError::Pattern { line, source })?;
            rules.push(IgnoreRule { line, pattern: pattern.to_owned(), effect, wildcard });
        }
        Ok(Self { rules })
    }

    /// Returns the patterns in order.
    pub fn rules(&self) -> &[IgnoreRule] {
        &self.rules
    }

    /// Returns the rule that excludes `path`, a clean path relative to the root, if one does.
    ///
    /// The last rule that matches the path or a directory above it decides.
    pub fn excludes(&self, path: &str) -> Option<&IgnoreRule> {
        let mut decisive = self.rules.iter().rev();
        decisive
            .find(|rule| rule.wildcard.matches_or_covers(path))
            .filter(|rule| rule.effect == Effect::Exclude)
    }

    /// Returns whether something below an excluded `directory` may still be included.
    ///
    /// Where it is not, a walk need not enter the directory.
    pub fn may_include_below(&self, directory: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.effect == Effect::Include && rule.wildcard.reaches_below(directory))
    }

    /// Returns whether a rule takes back what another excludes.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.effect == Effect::Include)
    }
}

/// Makes the pattern of a line relative to the root of the context, as moby's `ignorefile.ReadAll` does.
fn rooted(line: &str) -> String {
    let (mark, pattern) = match line.strip_prefix('!') {
        Some(pattern) => ("!", pattern.trim()),
        None => ("", line),
    };
    if pattern.is_empty() {
        return mark.to_owned();
    }
    let pattern = clean(pattern);
    let relative = pattern.strip_prefix('/').filter(|rest| !rest.is_empty());
    format!("{mark}{}", relative.unwrap_or(&pattern))
}

/// Returns the shortest equivalent path, as Go's `path.Clean` makes it.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            ".." if rooted => {}
            other => elements.push(other),
        }
    }
    match (elements.is_empty(), rooted) {
        (false, false) => elements.join("/"),
        (_, true) => format!("/{}", elements.join("/")),
        (true, false) => ".".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(file: &str, path: &str) -> bool {
        Ignore::parse(file).unwrap().excludes(path).is_some()
    }

    #[test]
    fn lines_are_read_as_moby_reads_them() {
        let file =
            "\u{feff}a//b/\r\n# comment\r\n  # no comment\r\n\r\n/root\r\n! x\r\n./c/../d\r\n";
        let ignore = Ignore::parse(file).unwrap();
        let rules: Vec<_> = ignore
            .rules()
            .iter()
            .map(|rule| (rule.line, rule.pattern.as_str(), rule.effect))
            .collect();
        assert_eq!(
            rules,
            [
                (1, "a/b", Effect::Exclude),
                (3, "# no comment", Effect::Exclude),
                (5, "root", Effect::Exclude),
                (6, "x", Effect::Include),
                (7, "d", Effect::Exclude),
            ]
        );
        assert_eq!(Ignore::parse("a\n!\n"), Err(IgnoreError::Blank { line: 2 }));
        assert!(matches!(Ignore::parse("[\n"), Err(IgnoreError::Pattern { line: 1, .. })));
    }

    /// From moby/patternmatcher's `TestMatches`, and docker/buildx#850.
    #[test]
    fn the_last_match_decides() {
        for (file, path, expected) in [
            ("docs", "docs/a", true),
            ("docs", "x/docs", false),
            ("docs/", "docs", true),
            ("*\n!a", "a", false),
            ("*\n!a", "b", true),
            ("*\n!a/b", "a/b", false),
            ("*\n!a/b", "a/c", true),
            ("!a\n*", "a", true),
            ("a\n!a/b", "a/b/c", false),
            ("**\n!a/b", "a/b/c", false),
            ("a/*\n!a/b\na/b/c", "a/b/c", true),
            ("**/.git", "x/.git/config", true),
            ("*.{a,b}", "x.a", false),
            (".", "a", false),
            ("/", "a", false),
            ("a\n/!a", "a", false),
            ("..", "a", false),
        ] {
            assert_eq!(excluded(file, path), expected, "{file:?} {path}");
        }
    }

    #[test]
    fn a_leading_slash_is_dropped_from_ignore_files_only() {
        let slash = Ignore::from_patterns(["/a", "b"]).unwrap();
        assert!(slash.excludes("a").is_none() && slash.excludes("b").is_some());
        assert!(excluded("/a", "a"));
    }

    #[test]
    fn directories_are_entered_only_if_something_could_come_back() {
        let ignore = Ignore::parse("*\n!src/*.py\n").unwrap();
        assert!(ignore.may_include_below("src"));
        assert!(!ignore.may_include_below("src/deep"));
        assert!(!ignore.may_include_below("node_modules"));
        assert!(Ignore::parse("*\n!**/*.py").unwrap().may_include_below("a/b"));
    }
}
