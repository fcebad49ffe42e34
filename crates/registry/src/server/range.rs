//! The `Range` header of a download: one range of bytes (RFC 9110, section 14.1.2).

/// Which bytes of a blob are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// From the first to the last, both included.
    Part(u64, u64),
    /// A range that lies outside.
    Unsatisfiable,
}

/// Reads the header against a blob of `size` bytes. What cannot be read, and more than one range, mean all.
pub(super) fn parse(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = header
        .and_then(|text| text.strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.trim().split_once('-'))
    else {
        return Wanted::All;
    };
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        // RFC 9110 leaves the choice; a client that cannot count had better know.
        (Ok(_), Ok(_)) => return Wanted::Unsatisfiable,
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(length)) if first.is_empty() && length > 0 => {
            (size.saturating_sub(length), size.saturating_sub(1))
        }
        _ => return Wanted::All,
    };
    if first < size { Wanted::Part(first, last) } else { Wanted::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_against_the_size() {
        for (header, expected) in [
            ("bytes=0-3", Wanted::Part(0, 3)),
            ("bytes=4-", Wanted::Part(4, 9)),
            ("bytes=-3", Wanted::Part(7, 9)),
            ("bytes=-30", Wanted::Part(0, 9)),
            ("bytes=2-100", Wanted::Part(2, 9)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=3-1", Wanted::Unsatisfiable),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
        ] {
            assert_eq!(parse(Some(header), 10), expected, "{header}");
        }
        assert_eq!(parse(None, 10), Wanted::All);
        assert_eq!(parse(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }
}
