//! Patterns for paths: Go's `filepath.Match`, with or without moby's `**`.

/// What two stars mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stars {
    /// The same as one: `COPY` and `ADD` without `--parents`.
    Single,
    /// Any number of directories, also none: `.dockerignore`, `--exclude` and `--parents`.
    Double,
}

/// The error returned when a pattern is malformed: a bracket is open or empty, or an escape escapes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is a malformed pattern")]
pub struct WildcardError {
    /// The pattern as written.
    pub pattern: String,
}

/// A pattern that paths are matched against, in time that grows with the product of their lengths.
///
/// `*` and `?` do not cross `/`; `[a-c]` and `[^a-c]` are classes; `\` takes away a meaning. Braces mean nothing.
///
/// ```
/// use notes_dockerfile::{Stars, Wildcard};
///
/// let wildcard = Wildcard::parse("src/*.p[yc]", Stars::Single)?;
/// assert!(wildcard.matches("src/app.py"));
/// assert!(!wildcard.matches("src/deep/app.py"));
///
/// let wildcard = Wildcard::parse("**/*.py", Stars::Double)?;
/// assert!(wildcard.matches("app.py") && wildcard.matches("src/deep/app.py"));
/// # Ok::<(), notes_dockerfile::WildcardError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[...]`, which may match `/`, as in Go.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// Anything, also `/`.
    Everything,
    /// Whether to enter the next token at all.
    Optionally,
    /// Anything up to and including a `/`.
    Directories,
}

/// What makes moby's matcher take a pattern for more than a prefix or a suffix.
const SPECIAL: [char; 5] = ['*', '?', '[', ']', '\\'];

impl Wildcard {
    /// Returns whether `text` has characters that are special in a pattern.
    pub fn is_special(text: &str) -> bool {
        text.contains(['*', '?', '[', '\\'])
    }

    /// Reads a pattern.
    pub fn parse(pattern: &str, stars: Stars) -> Result<Self, WildcardError> {
        let mut tokens = Vec::new();
        let mut rest = pattern.chars();
        let malformed = || WildcardError { pattern: pattern.to_owned() };
        while let Some(character) = rest.next() {
            match character {
                '*' if stars == Stars::Double && rest.as_str().starts_with('*') => {
                    rest.next();
                    let slash = rest.as_str().starts_with('/');
                    if slash {
                        rest.next();
                    }
                    // `**x` with nothing special in `x` is a suffix in moby's matcher, without a border of directories.
                    let suffix = || tokens.is_empty() && !slash && !rest.as_str().contains(SPECIAL);
                    if rest.as_str().is_empty() || suffix() {
                        tokens.push(Token::Everything);
                    } else {
                        tokens.extend([Token::Optionally, Token::Directories]);
                    }
                }
                '*' if tokens.last() == Some(&Token::Star) => {}
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::Any),
                '\\' => tokens.push(Token::Literal(rest.next().ok_or_else(malformed)?)),
                '[' => tokens.push(class(&mut rest).ok_or_else(malformed)?),
                other => tokens.push(Token::Literal(other)),
            }
        }
        Ok(Self { tokens })
    }

    /// Returns whether the whole of `path` matches.
    pub fn matches(&self, path: &str) -> bool {
        let mut run = Run::new(self);
        path.chars().all(|character| run.step(character)) && run.accepts()
    }

    /// Returns whether `path` or one of the directories above it matches.
    pub fn matches_or_covers(&self, path: &str) -> bool {
        let mut run = Run::new(self);
        for character in path.chars() {
            if character == '/' && run.accepts() {
                return true;
            }
            if !run.step(character) {
                return false;
            }
        }
        run.accepts()
    }

    /// Returns whether something below `directory` could match.
    pub fn reaches_below(&self, directory: &str) -> bool {
        let mut run = Run::new(self);
        directory.chars().chain(['/']).all(|character| run.step(character))
    }
}

/// Reads a class after its `[`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.as_str().starts_with(']') {
            rest.next();
            return Some(Token::Class { negated, ranges });
        }
        let low = class_character(rest)?;
        let high = if rest.as_str().starts_with('-') {
            rest.next();
            class_character(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

fn class_character(rest: &mut std::str::Chars<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        other => Some(other),
    }
}

/// The states that a pattern can be in after some characters: all ways to match at once.
struct Run<'a> {
    tokens: &'a [Token],
    states: Vec<bool>,
    following: Vec<bool>,
}

impl<'a> Run<'a> {
    fn new(wildcard: &'a Wildcard) -> Self {
        let tokens = &wildcard.tokens[..];
        let mut states = vec![false; tokens.len() + 1];
        states[0] = true;
        let mut run = Self { tokens, following: vec![false; states.len()], states };
        run.skip();
        run
    }

    /// Goes on where a token may match nothing.
    fn skip(&mut self) {
        for (index, token) in self.tokens.iter().enumerate() {
            if self.states[index] {
                match token {
                    Token::Star | Token::Everything => self.states[index + 1] = true,
                    Token::Optionally => {
                        self.states[index + 1] = true;
                        self.states[index + 2] = true;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Takes one character; returns whether a match is still possible.
    fn step(&mut self, character: char) -> bool {
        self.following.fill(false);
        for (index, token) in self.tokens.iter().enumerate() {
            if !self.states[index] {
                continue;
            }
            match token {
                Token::Literal(literal) => self.following[index + 1] |= *literal == character,
                Token::Any => self.following[index + 1] |= character != '/',
                Token::Star => self.following[index] |= character != '/',
                Token::Class { negated, ranges } => {
                    let inside =
                        ranges.iter().any(|&(low, high)| (low..=high).contains(&character));
                    self.following[index + 1] |= inside != *negated;
                }
                Token::Everything => self.following[index] = true,
                Token::Optionally => {}
                Token::Directories => {
                    self.following[index] = true;
                    self.following[index + 1] |= character == '/';
                }
            }
        }
        std::mem::swap(&mut self.states, &mut self.following);
        self.skip();
        self.states.contains(&true)
    }

    fn accepts(&self) -> bool {
        self.states[self.tokens.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str, stars: Stars) -> bool {
        Wildcard::parse(pattern, stars).unwrap().matches(path)
    }

    /// From Go's `path/filepath/match_test.go`.
    #[test]
    fn matches_as_go_does() {
        for (pattern, path, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("[a-ζ]*", "α", true),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x\\-]", "z", false),
            ("[[]", "[", true),
            ("*x", "xxx", true),
            ("{a,b}", "a", false),
            ("[!a]", "!", true),
            ("a**b", "axyb", true),
            ("a**b", "ax/yb", false),
        ] {
            assert_eq!(matches(pattern, path, Stars::Single), expected, "{pattern} {path}");
        }
        for bad in
            ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "[a", "\\", "a\\"]
        {
            assert!(Wildcard::parse(bad, Stars::Single).is_err(), "{bad}");
        }
    }

    /// From moby/patternmatcher's tests.
    #[test]
    fn two_stars_are_directories() {
        for (pattern, path, expected) in [
            ("**", "file", true),
            ("**", "dir/file", true),
            ("**/", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir", false),
            ("dir/**", "dir/dir2/file", true),
            ("**/dir", "dir", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/*", "dir/dir2/dir3/file", false),
            ("**file", "file", true),
            ("**file", "dir/file", true),
            ("**file", "dir/xfile", true),
            ("**/file", "dir/xfile", false),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/dir/file.txt", true),
            ("a[b-d]e", "ae", false),
            (".*", ".foo", true),
            ("abc.def", "abcdef", false),
            ("abc/**/def", "abc/def", true),
            ("abc/**/def", "abc/x/y/def", true),
        ] {
            assert_eq!(matches(pattern, path, Stars::Double), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn parents_and_children_are_found() {
        let wildcard = Wildcard::parse("a/b*", Stars::Double).unwrap();
        assert!(wildcard.matches_or_covers("a/bc/d/e"));
        assert!(!wildcard.matches_or_covers("a/c/b"));
        assert!(wildcard.reaches_below("a") && !wildcard.reaches_below("b"));
        assert!(Wildcard::parse("**/x", Stars::Double).unwrap().reaches_below("any/where"));
    }
}
