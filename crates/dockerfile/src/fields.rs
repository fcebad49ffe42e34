//! Comma-separated fields with quotes.

/// Splits one record of comma-separated values (RFC 4180), each with the offset it began at; `None` where a quote stands
/// where none may, or is not closed.
///
/// `RUN --mount` is written so, and so are docker's flags that have options.
///
/// ```
/// use notes_dockerfile::fields;
///
/// let fields = fields(r#"type=local,"dest=a,b""#).unwrap();
/// assert_eq!(fields, [("type=local".to_owned(), 0), ("dest=a,b".to_owned(), 11)]);
/// assert_eq!(notes_dockerfile::fields(r#"a"b"#), None);
/// ```
pub fn fields(text: &str) -> Option<Vec<(String, usize)>> {
    let mut fields = Vec::new();
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let (field, length) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_field(quoted)?
        } else {
            let length = rest.find(',').unwrap_or(rest.len());
            let field = &rest[..length];
            (Some(field).filter(|field| !field.contains('"'))?.to_owned(), length)
        };
        fields.push((field, start));
        start += length;
        match text[start..].strip_prefix(',') {
            Some(_) => start += 1,
            None if start == text.len() => return Some(fields),
            None => return None,
        }
    }
}

/// Reads a field after its opening quote; returns it and its length with both quotes.
fn quoted_field(text: &str) -> Option<(String, usize)> {
    let mut field = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if character != '"' {
            field.push(character);
        } else if characters.next_if(|&(_, next)| next == '"').is_some() {
            field.push('"');
        } else {
            return Some((field, offset + 2));
        }
    }
    None
}
