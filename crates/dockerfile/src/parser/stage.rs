//! `FROM`.

use crate::arguments::Arguments;
use crate::error::{Fault, Reason, shortened};
use crate::{Span, Spanned, Stage, StageName};

pub(super) fn from(
    mut arguments: Arguments<'_>,
    keyword: Spanned<String>,
    span: Span,
    original: String,
) -> Result<Stage, Fault> {
    let platform = arguments.value_word("platform")?;
    arguments.no_more_flags(&["platform"])?;
    let words = arguments.blank_separated();
    let written = |index: usize| {
        let range = words[index].clone();
        Spanned::new(arguments.text()[range.clone()].to_owned(), arguments.span(range))
    };
    let (as_keyword, name) = match words.len() {
        1 => (None, None),
        3 if written(1).eq_ignore_ascii_case("as") => (Some(written(1)), Some(name(written(2))?)),
        0 => return Err(arguments.missing("an image")),
        _ => {
            let Spanned { value: word, span } = written(1);
            if word.eq_ignore_ascii_case("as") {
                return Err(arguments.missing("one name after `AS`"));
            }
            return Err(Fault::new(Reason::FromAs { word: shortened(&word) }, span));
        }
    };
    let image = arguments.word(words[0].clone());
    let statements = Vec::new();
    Ok(Stage { index: 0, image, platform, name, statements, span, keyword, as_keyword, original })
}

/// A name in lower case is `^[a-z][a-z0-9-_.]*$`.
fn name(written: Spanned<String>) -> Result<StageName, Fault> {
    let lower = written.to_lowercase();
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if lower.starts_with(|first: char| first.is_ascii_lowercase()) && lower.bytes().all(rest) {
        return Ok(StageName { lower, written });
    }
    Err(Fault::new(Reason::StageName { name: shortened(&written) }, written.span))
}
