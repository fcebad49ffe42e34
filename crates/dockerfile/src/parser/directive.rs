//! Parser directives.

use crate::error::{Fault, Reason, shortened};
use crate::lexer::{Lexer, Line};
use crate::suggestion::nearest;
use crate::{Check, Directives, Escape, Selection, Span, Spanned, Strictness};

/// Takes the directives at the top and sets the escape character.
///
/// The first line that is no known directive ends them. After a `#!` line only `syntax` is read, as by `BuildKit`'s
/// `DetectSyntax`: the parser itself has stopped looking by then.
pub(super) fn directives(lexer: &mut Lexer<'_>) -> Result<Directives, Fault> {
    let mut directives = Directives::default();
    let mut escape = None;
    let shebang = skip_shebang(lexer);
    while let Some((line, name, value)) = next(lexer) {
        let repeated = |seen: bool| {
            let fault = || {
                let reason = Reason::DirectiveRepeated { directive: name.clone() };
                Fault::new(reason, Span::new(line.start, line.end))
            };
            if seen { Err(fault()) } else { Ok(()) }
        };
        match name.as_str() {
            "syntax" => {
                repeated(directives.syntax.is_some())?;
                directives.syntax = Some(value);
            }
            _ if shebang => break,
            "escape" => {
                repeated(escape.is_some())?;
                escape = Some(escape_character(&value)?);
            }
            _ => {
                repeated(directives.check.is_some())?;
                directives.check = Some(Spanned::new(check(&value)?, value.span));
            }
        }
        lexer.line();
    }
    directives.escape = escape.unwrap_or_default();
    lexer.escape = directives.escape;
    Ok(directives)
}

fn skip_shebang(lexer: &mut Lexer<'_>) -> bool {
    let Some(line) = lexer.peek().filter(|line| line.text(lexer.source).starts_with("#!")) else {
        return false;
    };
    lexer.comments.push(Span::new(line.start, line.end));
    lexer.line();
    true
}

/// Returns the next line if it is a known directive, with its name in lower case.
fn next(lexer: &Lexer<'_>) -> Option<(Line, String, Spanned<String>)> {
    let line = lexer.peek()?;
    let text = line.text(lexer.source);
    let (name, value) = text.trim_start().strip_prefix('#')?.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let trimmed = value.trim();
    let known = matches!(name.as_str(), "syntax" | "escape" | "check");
    if !known || trimmed.is_empty() {
        return None;
    }
    let start = line.end - value.trim_start().len();
    let span = Span::new(start, start + trimmed.len());
    Some((line, name, Spanned::new(trimmed.to_owned(), span)))
}

fn escape_character(value: &Spanned<String>) -> Result<Escape, Fault> {
    match value.as_str() {
        "\\" => Ok(Escape::Backslash),
        "`" => Ok(Escape::Backtick),
        other => Err(Fault::new(Reason::Escape { value: shortened(other) }, value.span)),
    }
}

fn check(value: &Spanned<String>) -> Result<Check, Fault> {
    let mut check = Check::default();
    for option in value.split(';').map(str::trim).filter(|option| !option.is_empty()) {
        let (key, setting) = option.split_once('=').unwrap_or((option, ""));
        match key.trim() {
            "skip" => check.skip = selection(setting),
            "experimental" => check.experimental = selection(setting),
            "error" => check.strictness = strictness(setting.trim(), value.span)?,
            other => {
                let suggestion = nearest(other, ["skip", "error", "experimental"]);
                let suggestion = suggestion.map(str::to_owned);
                let reason = Reason::CheckOption { option: shortened(other), suggestion };
                return Err(Fault::new(reason, value.span));
            }
        }
    }
    Ok(check)
}

fn selection(setting: &str) -> Selection {
    let names: Vec<_> = setting.split(',').map(str::trim).map(str::to_owned).collect();
    match &names[..] {
        [all] if all.eq_ignore_ascii_case("all") => Selection::All,
        _ => Selection::Named(names.into_iter().filter(|name| !name.is_empty()).collect()),
    }
}

/// Reads the values of Go's `strconv.ParseBool`.
fn strictness(setting: &str, span: Span) -> Result<Strictness, Fault> {
    match crate::parser::mount::boolean(setting) {
        Some(true) => Ok(Strictness::Error),
        Some(false) => Ok(Strictness::Warn),
        None => Err(Fault::new(Reason::NotBoolean { value: shortened(setting) }, span)),
    }
}
