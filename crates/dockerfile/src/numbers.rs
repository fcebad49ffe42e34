//! Numbers as the language writes them: modes and sizes.

/// Returns the octal mode that `text` is, at most `07777`.
///
/// ```
/// assert_eq!(notes_dockerfile::parse_mode("0755"), Some(0o755));
/// assert_eq!(notes_dockerfile::parse_mode("u=rwX"), None);
/// assert_eq!(notes_dockerfile::parse_mode("8"), None);
/// ```
pub fn parse_mode(text: &str) -> Option<u32> {
    let octal = !text.is_empty() && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.filter(|_| octal)
}

/// Returns the number of bytes that `text` means: a number and perhaps a binary unit, such as `64m` or `1.5GiB`.
///
/// The units are those of docker/go-units' `RAMInBytes`: one letter, alone or with `B` or `iB`, in any case.
///
/// ```
/// assert_eq!(notes_dockerfile::parse_size("64m"), Some(64 << 20));
/// assert_eq!(notes_dockerfile::parse_size("1.5 GiB"), Some(3 << 29));
/// assert_eq!(notes_dockerfile::parse_size("lots"), None);
/// ```
pub fn parse_size(text: &str) -> Option<u64> {
    let split = text.find(|digit: char| !digit.is_ascii_digit() && digit != '.');
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let letter = unit.strip_suffix('b').unwrap_or(&unit);
    let shift = match letter.strip_suffix('i').unwrap_or(letter) {
        "" if unit.is_empty() || unit == "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return None,
    };
    if unit.ends_with('i') || fraction.contains('.') || fraction.len() > 12 {
        return None;
    }
    let whole: u128 = whole.parse::<u64>().ok()?.into();
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    u64::try_from((whole << shift) + ((part << shift) / scale)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_none() {
        for (text, expected) in [
            ("0", Some(0)),
            ("32", Some(32)),
            ("32b", Some(32)),
            ("32B", Some(32)),
            ("32kb", Some(32 << 10)),
            ("32KiB", Some(32 << 10)),
            ("32 k", Some(32 << 10)),
            ("", None),
            ("k", None),
            ("-1", None),
            ("3x", None),
            ("3ki", None),
            ("3ib", None),
            ("1.2.3", None),
            ("99999999999999999999", None),
            ("18446744073709551615p", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(parse_mode("7777"), Some(0o7777));
        for text in ["", "10000", "+755", "rwx", "0x1"] {
            assert_eq!(parse_mode(text), None, "{text}");
        }
    }
}
