//! The patterns of `${name#pattern}` and `${name/pattern/text}`.
//!
//! Every step is paid for from `work`, which is what one word may take.

use super::{ExpandReason, Work};

/// A shell pattern without brackets: `*`, `?`, and characters. Neither crosses the end of a line, as in `BuildKit`.
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    Any,
    Star,
}

impl Pattern {
    /// Reads a pattern. `\*`, `\?`, `\\` are literal, as are `\}` and `\/`, which need it to stand in `${}`.
    ///
    /// Returns what was escaped for another escape. The escape is a backslash whatever the file says, as in `BuildKit`'s
    /// `convertShellPatternToRegex`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' => Token::Star,
                '?' => Token::Any,
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '?' | '}' | '/' | '\\')) => Token::Literal(escaped),
                    other => return Err(other.map(String::from).unwrap_or_default()),
                },
                other => Token::Literal(other),
            });
        }
        tokens.dedup_by(|next, token| *next == Token::Star && *token == Token::Star);
        Ok(Self { tokens })
    }

    pub(super) fn without_prefix(
        &self,
        value: &str,
        longest: bool,
        work: &Work,
    ) -> Result<String, ExpandReason> {
        let characters: Vec<char> = value.chars().collect();
        let end = self.end(&characters, longest, work)?.unwrap_or(0);
        Ok(characters[end..].iter().collect())
    }

    pub(super) fn without_suffix(
        &self,
        value: &str,
        longest: bool,
        work: &Work,
    ) -> Result<String, ExpandReason> {
        let backwards = Self { tokens: self.tokens.iter().rev().copied().collect() };
        let value: Vec<char> = value.chars().rev().collect();
        let end = backwards.end(&value, longest, work)?.unwrap_or(0);
        Ok(value[end..].iter().rev().collect())
    }

    /// Returns `value` with at most `times` matches replaced, from the left, each as long as can be; `limit` is how long it may
    /// become.
    pub(super) fn replace(
        &self,
        value: &str,
        replacement: &str,
        times: usize,
        limit: usize,
        work: &Work,
    ) -> Result<String, ExpandReason> {
        let characters: Vec<char> = value.chars().collect();
        let mut output = String::new();
        let (mut at, mut replaced, mut after_match) = (0, 0, false);
        while at <= characters.len() {
            let found =
                if replaced < times { self.end(&characters[at..], true, work)? } else { None };
            if output.len() > limit {
                return Err(ExpandReason::Size);
            }
            match found {
                // An empty match right after a match does not count, as in Go's `ReplaceAll`.
                Some(length) if length > 0 || !after_match => {
                    output.push_str(replacement);
                    replaced += 1;
                    at += length;
                    after_match = length > 0;
                    if length > 0 {
                        continue;
                    }
                }
                _ => after_match = false,
            }
            output.extend(characters.get(at));
            at += 1;
        }
        Ok(output)
    }

    /// Returns the length of the longest or shortest match at the beginning of `value`.
    ///
    /// All ways to match are followed at once, so that the time is the product of the two lengths.
    fn end(
        &self,
        value: &[char],
        longest: bool,
        work: &Work,
    ) -> Result<Option<usize>, ExpandReason> {
        let accepting = self.tokens.len();
        let mut states = vec![false; accepting + 1];
        states[0] = true;
        let mut following = vec![false; accepting + 1];
        let mut best = None;
        for length in 0..=value.len() {
            work.take(accepting + 1)?;
            for (index, token) in self.tokens.iter().enumerate() {
                states[index + 1] |= states[index] && *token == Token::Star;
            }
            if states[accepting] {
                best = Some(length);
            }
            let Some(&character) = value.get(length) else { break };
            if (best.is_some() && !longest) || !states.contains(&true) {
                break;
            }
            following.fill(false);
            for (index, token) in self.tokens.iter().enumerate().filter(|&(index, _)| states[index])
            {
                match token {
                    Token::Literal(literal) => following[index + 1] |= *literal == character,
                    Token::Any => following[index + 1] |= character != '\n',
                    Token::Star => following[index] |= character != '\n',
                }
            }
            std::mem::swap(&mut states, &mut following);
        }
        Ok(best)
    }
}
