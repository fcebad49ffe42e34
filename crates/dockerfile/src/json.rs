//! JSON arrays of strings: the exec form.

use std::ops::Range;

/// Why a text is not an array of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStrings {
    /// It is not JSON at all.
    Json,
    /// It is an array with something else in it.
    Element,
}

/// Returns the strings of the JSON array that `text` is, each with its place.
pub(crate) fn strings(text: &str) -> Result<Vec<(String, Range<usize>)>, NotStrings> {
    let mut reader = Reader { text, offset: 0 };
    reader.expect(b'[').ok_or(NotStrings::Json)?;
    let mut strings = Vec::new();
    if reader.expect(b']').is_none() {
        loop {
            reader.blanks();
            let start = reader.offset;
            let Some(string) = reader.string() else {
                return Err(not_a_string(text));
            };
            strings.push((string, start..reader.offset));
            if reader.expect(b',').is_none() {
                reader.expect(b']').ok_or_else(|| not_a_string(text))?;
                break;
            }
        }
    }
    reader.blanks();
    if reader.offset == text.len() { Ok(strings) } else { Err(NotStrings::Json) }
}

fn not_a_string(text: &str) -> NotStrings {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => NotStrings::Element,
        Err(_) => NotStrings::Json,
    }
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        let rest = &self.text[self.offset..];
        self.offset += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        (self.text.as_bytes().get(self.offset) == Some(&byte)).then(|| self.offset += 1)
    }

    /// Reads a string literal. Half a surrogate pair becomes U+FFFD, as in Go's `encoding/json`.
    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut units = Vec::new();
        let mut value = String::new();
        loop {
            let rest = &self.text[self.offset..];
            let plain = rest.find(|next| matches!(next, '"' | '\\' | '\0'..='\u{1f}'))?;
            if plain > 0 {
                flush(&mut units, &mut value);
                value.push_str(&rest[..plain]);
                self.offset += plain;
                continue;
            }
            self.offset += 1;
            match rest.as_bytes()[0] {
                b'"' => {
                    flush(&mut units, &mut value);
                    return Some(value);
                }
                b'\\' => self.escaped(&mut units, &mut value)?,
                _ => return None,
            }
        }
    }

    /// Reads what follows a backslash. Units of UTF-16 are kept until the other half of a pair is there.
    fn escaped(&mut self, units: &mut Vec<u16>, value: &mut String) -> Option<()> {
        let escaped = self.text[self.offset..].chars().next()?;
        self.offset += escaped.len_utf8();
        if escaped == 'u' {
            let digits = self.text.get(self.offset..self.offset + 4)?;
            let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            units.push(u16::from_str_radix(digits, 16).ok().filter(|_| valid)?);
            self.offset += 4;
            return Some(());
        }
        flush(units, value);
        value.push(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => return None,
        });
        Some(())
    }
}

fn flush(units: &mut Vec<u16>, value: &mut String) {
    let decoded = char::decode_utf16(units.drain(..));
    value.extend(decoded.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<String>, NotStrings> {
        strings(text).map(|found| found.into_iter().map(|(value, _)| value).collect())
    }

    #[test]
    fn arrays_of_strings_are_read() {
        assert_eq!(values("[]").unwrap(), Vec::<String>::new());
        assert_eq!(
            values(r#"[ "a b" , "\u00e9\ud83d\ude00\n\ud800" ]"#).unwrap(),
            ["a b", "é😀\n\u{fffd}"]
        );
    }

    #[test]
    fn everything_else_is_told_apart() {
        for broken in
            ["", "['a']", r#"["a""#, r#"["a",]"#, r#"["a"] b"#, "[ -f x ]", "[\"\t\"]", r#"["\q"]"#]
        {
            assert_eq!(values(broken), Err(NotStrings::Json), "{broken}");
        }
        for mixed in ["[1]", r#"["a", null]"#, r#"[["a"]]"#, r#"["a", {"b": 1}]"#] {
            assert_eq!(values(mixed), Err(NotStrings::Element), "{mixed}");
        }
    }
}
