//! What a word becomes.

use super::ExpandReason;

/// The text so far, whole and perhaps split.
pub(super) struct Output {
    text: String,
    fields: Option<Fields>,
    limit: usize,
}

/// The text so far, split at white space.
#[derive(Default)]
struct Fields {
    ended: Vec<String>,
    current: String,
}

impl Output {
    /// Returns the output of a word, which is wanted both ways.
    pub(super) fn split(limit: usize) -> Self {
        Self { text: String::new(), fields: Some(Fields::default()), limit }
    }

    /// Returns the output of a part in braces, which is wanted whole.
    pub(super) fn whole(limit: usize) -> Self {
        Self { text: String::new(), fields: None, limit }
    }

    /// Adds text whose white space does not split.
    pub(super) fn protected(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some(fields) = &mut self.fields {
            fields.current.push_str(text);
        }
    }

    /// Adds text whose white space splits.
    pub(super) fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some(fields) = &mut self.fields {
            text.chars().for_each(|character| fields.push(character));
        }
    }

    /// Fails when the text is longer than it may be.
    pub(super) fn check(&self) -> Result<(), ExpandReason> {
        if self.text.len() > self.limit { Err(ExpandReason::Size) } else { Ok(()) }
    }

    /// Returns the text and its fields. A quoted nothing is no field, as in `BuildKit`.
    pub(super) fn into_parts(self) -> (String, Vec<String>) {
        (self.text, self.fields.map(Fields::end).unwrap_or_default())
    }
}

impl Fields {
    fn push(&mut self, character: char) {
        if !character.is_whitespace() {
            self.current.push(character);
        } else if !self.current.is_empty() {
            self.ended.push(std::mem::take(&mut self.current));
        }
    }

    fn end(mut self) -> Vec<String> {
        if !self.current.is_empty() {
            self.ended.push(self.current);
        }
        self.ended
    }
}
