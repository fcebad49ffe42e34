//! Sizes as people write them.

use notes_console::{Failure, Kind};

/// Reads `500MB`, `10GB` or a number of bytes.
pub(crate) fn parse(text: &str) -> Result<u64, Failure> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" => Some(1_000),
        "m" | "mb" => Some(1_000_000),
        "g" | "gb" => Some(1_000_000_000),
        _ => None,
    };
    let bytes = digits
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(count, factor)| count.checked_mul(factor));
    bytes.ok_or_else(|| {
        Failure::message(Kind::Usage, format!("`{text}` is no size"))
            .with_hint("write a number and a unit, such as `500MB` or `10GB`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("0", 0), ("12", 12), ("500MB", 500_000_000), ("10g", 10_000_000_000)]
        {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "GB", "1.5GB", "-1", "10TB", "99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
