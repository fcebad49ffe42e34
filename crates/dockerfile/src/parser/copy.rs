//! `COPY` and `ADD`.

use std::ops::Range;

use crate::arguments::{Arguments, Form};
use crate::error::{Fault, Reason};
use crate::heredoc::{self, Opening};
use crate::lexer::Lexer;
use crate::{Add, Copy, CopySource, Word};

const COPY_FLAGS: [&str; 6] = ["from", "chown", "chmod", "link", "parents", "exclude"];
const ADD_FLAGS: [&str; 7] =
    ["chown", "chmod", "link", "exclude", "checksum", "keep-git-dir", "unpack"];

pub(super) fn copy(arguments: &mut Arguments<'_>, lexer: &mut Lexer<'_>) -> Result<Copy, Fault> {
    let from = arguments.value("from")?;
    let chown = arguments.value_word("chown")?;
    let chmod = arguments.value_word("chmod")?;
    let link = arguments.switched_on("link")?;
    let parents = arguments.switched_on("parents")?;
    let excludes = arguments.values("exclude")?;
    arguments.no_more_flags(&COPY_FLAGS)?;
    let (sources, destination) = paths(arguments, lexer)?;
    Ok(Copy { sources, destination, from, chown, chmod, link, parents, excludes })
}

pub(super) fn add(arguments: &mut Arguments<'_>, lexer: &mut Lexer<'_>) -> Result<Add, Fault> {
    let chown = arguments.value_word("chown")?;
    let chmod = arguments.value_word("chmod")?;
    let link = arguments.switched_on("link")?;
    let excludes = arguments.values("exclude")?;
    let checksum = arguments.value_word("checksum")?;
    let keep_git_dir = arguments.switched_on("keep-git-dir")?;
    let unpack = arguments.switch("unpack")?;
    arguments.no_more_flags(&ADD_FLAGS)?;
    let (sources, destination) = paths(arguments, lexer)?;
    Ok(Add { sources, destination, chown, chmod, link, excludes, checksum, keep_git_dir, unpack })
}

/// Returns the sources and the destination, and reads the bodies of heredocs.
fn paths(
    arguments: &Arguments<'_>,
    lexer: &mut Lexer<'_>,
) -> Result<(Vec<CopySource>, Word), Fault> {
    let missing = || arguments.missing("a source and a destination");
    if let Form::Exec(mut words) = arguments.form(&mut lexer.remarks)? {
        let destination = words.pop().filter(|_| !words.is_empty()).ok_or_else(missing)?;
        return Ok((words.into_iter().map(CopySource::Path).collect(), destination));
    }
    let openings = heredoc::openings(arguments.text());
    let mut items = items(arguments, openings);
    let destination = match items.pop() {
        Some(_) if items.is_empty() => return Err(missing()),
        Some(Item::Word(range)) => arguments.word(range),
        Some(Item::Heredoc(opening)) => {
            let span = arguments.span(opening.range);
            return Err(Fault::new(Reason::HeredocDestination, span));
        }
        None => return Err(missing()),
    };
    let mut sources = Vec::new();
    for item in items {
        sources.push(match item {
            Item::Word(range) => CopySource::Path(arguments.word(range)),
            Item::Heredoc(opening) => {
                let span = arguments.span(opening.range.clone());
                CopySource::Heredoc(heredoc::read_body(&opening, span, lexer)?)
            }
        });
    }
    Ok((sources, destination))
}

enum Item {
    Word(Range<usize>),
    Heredoc(Opening),
}

/// Puts heredocs in the place of the words that they are made of.
fn items(arguments: &Arguments<'_>, openings: Vec<Opening>) -> Vec<Item> {
    let mut openings = openings.into_iter().peekable();
    let mut items = Vec::new();
    let mut covered = 0;
    for word in arguments.blank_separated() {
        if let Some(opening) = openings.next_if(|opening| opening.range.start <= word.start) {
            covered = opening.range.end;
            items.push(Item::Heredoc(opening));
        } else if word.start >= covered {
            items.push(Item::Word(word));
        }
    }
    items
}
