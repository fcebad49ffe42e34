//! `ARG`, `ENV` and `LABEL`.

use crate::arguments::{Arguments, BLANKS};
use crate::error::{Fault, Reason, shortened};
use crate::{Arg, Declaration, Env, KeyValue, KeyValueForm, Label};

pub(super) fn arg(arguments: &Arguments<'_>) -> Result<Arg, Fault> {
    arguments.required("a name")?;
    let mut declarations = Vec::new();
    for range in arguments.quote_separated() {
        let declaration = match arguments.text()[range.clone()].find('=') {
            None => Declaration { name: arguments.word(range), default: None },
            Some(0) => return Err(blank(arguments, range)),
            Some(equals) => Declaration {
                name: arguments.word(range.start..range.start + equals),
                default: Some(arguments.word(range.start + equals + 1..range.end)),
            },
        };
        declarations.push(declaration);
    }
    Ok(Arg { declarations })
}

pub(super) fn env(arguments: &Arguments<'_>) -> Result<Env, Fault> {
    pairs(arguments).map(|(pairs, form)| Env { pairs, form })
}

pub(super) fn label(arguments: &Arguments<'_>) -> Result<Label, Fault> {
    pairs(arguments).map(|(pairs, form)| Label { pairs, form })
}

fn pairs(arguments: &Arguments<'_>) -> Result<(Vec<KeyValue>, KeyValueForm), Fault> {
    let text = arguments.text();
    let words = arguments.quote_separated();
    let Some(first) = words.first().cloned() else {
        return Err(arguments.missing("a key and a value"));
    };
    if !text[first].contains('=') {
        return legacy(arguments).map(|pair| (vec![pair], KeyValueForm::Legacy));
    }
    let mut pairs = Vec::new();
    for range in words {
        let word = &text[range.clone()];
        let equals = match word.find('=') {
            Some(0) => return Err(blank(arguments, range)),
            Some(equals) => range.start + equals,
            None => {
                let reason = Reason::KeyValue { word: shortened(word) };
                return Err(Fault::new(reason, arguments.span(range)));
            }
        };
        pairs.push(KeyValue {
            key: arguments.word(range.start..equals),
            value: arguments.word(equals + 1..range.end),
        });
    }
    Ok((pairs, KeyValueForm::Equals))
}

/// `key value with spaces`.
fn legacy(arguments: &Arguments<'_>) -> Result<KeyValue, Fault> {
    let text = arguments.text();
    let Some(end) = text.find(BLANKS) else {
        return Err(arguments.missing("a key and a value"));
    };
    let start = text.len() - text[end..].trim_start_matches(BLANKS).len();
    Ok(KeyValue { key: arguments.word(0..end), value: arguments.word(start..text.len()) })
}

fn blank(arguments: &Arguments<'_>, range: std::ops::Range<usize>) -> Fault {
    let instruction = arguments.instruction;
    Fault::new(Reason::BlankKey { instruction }, arguments.span(range))
}
