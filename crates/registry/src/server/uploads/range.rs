//! The `Content-Range` of a chunk, which has no unit here (distribution spec, "Pushing a blob in chunks").

use axum::http::{HeaderMap, HeaderValue, header};

use super::super::refusal::Refusal;

/// Where a chunk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At the end of what is there, or wherever that is.
    Next,
    /// Before or behind it.
    Elsewhere,
}

/// Tells where a chunk begins, in an upload that has `size` bytes.
pub(super) fn start(headers: &HeaderMap, size: u64) -> Result<Start, Refusal> {
    let Some(range) = headers.get(header::CONTENT_RANGE).map(text).transpose()? else {
        return Ok(Start::Next);
    };
    let (first, last) = parse(range)
        .ok_or_else(|| Refusal::upload_invalid(format!("`{range}` is no range of a chunk")))?;
    let length = headers.get(header::CONTENT_LENGTH).map(text).transpose()?;
    if length.is_some_and(|length| length.parse() != Ok(last - first + 1)) {
        return Err(Refusal::size_invalid(format!("the body has not the length of `{range}`")));
    }
    Ok(if first == size { Start::Next } else { Start::Elsewhere })
}

fn text(value: &HeaderValue) -> Result<&str, Refusal> {
    value.to_str().map_err(|_| Refusal::upload_invalid("a header is no text"))
}

/// Reads `<first>-<last>`; docker's own registry took it with a unit as well.
fn parse(range: &str) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes ").unwrap_or(range).split_once('-')?;
    // With the whole size behind, as in an answer of RFC 9110.
    let last = last.split_once('/').map_or(last, |(last, _)| last);
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < u64::MAX).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(range: &str, length: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
        headers.insert(header::CONTENT_LENGTH, length.parse().unwrap());
        headers
    }

    #[test]
    fn a_chunk_begins_where_the_upload_ends() {
        assert_eq!(start(&HeaderMap::new(), 5).unwrap(), Start::Next);
        for (range, length, expected) in [
            ("5-9", "5", Start::Next),
            ("bytes 5-9/100", "5", Start::Next),
            ("4-9", "6", Start::Elsewhere),
            ("6-9", "4", Start::Elsewhere),
        ] {
            assert_eq!(start(&headers(range, length), 5).unwrap(), expected, "{range}");
        }
    }

    #[test]
    fn a_range_that_says_nothing_or_another_length_is_refused() {
        for (range, length) in
            [("5", "5"), ("a-b", "5"), ("9-5", "5"), ("5-9", "4"), ("0-18446744073709551615", "0")]
        {
            assert!(start(&headers(range, length), 5).is_err(), "{range}");
        }
    }
}
