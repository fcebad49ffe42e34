//! Parser directives.

use crate::error::{Fault, Reason, shortened};
use crate::lexer::{Lexer, Line};
use crate::suggestion::nearest;
use crate::{Check, Directives, Escape, Selection, Span, Spanned, Strictness};

/// Takes the directives at the top and sets the escape character.
///
/// The first line that is no known directive ends them. After a `#!` line `escape` is an ordinary comment: `BuildKit` reads the
/// two others apart (`DetectSyntax`, `ParseDirective`), and its parser itself has stopped looking by then.
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
            "escape" if shebang => lexer.comments.push(Span::new(line.start, line.end)),
            "escape" => {
                repeated(escape.is_some())?;
                escape = Some(escape_character(&value)?);
            }
            _ => {
                repeated(directives.check.is_some())?;
                let check =
                    check_options(&value).map_err(|reason| Fault::new(reason, value.span))?;
                directives.check = Some(Spanned::new(check, value.span));
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

/// Returns the next line if it is a known directive, with its name in lower case: `#`, blanks, a name, `=` and a value.
fn next(lexer: &Lexer<'_>) -> Option<(Line, String, Spanned<String>)> {
    // What Go's `\s` means; between `#` and the name any white space may stand.
    const BLANKS: [char; 4] = ['\t', '\u{c}', '\r', ' '];
    let line = lexer.peek()?;
    let text = line.text(lexer.source);
    let (name, value) = text.trim_start().strip_prefix('#')?.trim_start().split_once('=')?;
    let name = name.trim_end_matches(BLANKS).to_ascii_lowercase();
    let trimmed = value.trim_matches(BLANKS);
    let known = matches!(name.as_str(), "syntax" | "escape" | "check");
    if !known || trimmed.is_empty() {
        return None;
    }
    let start = line.end - value.trim_start_matches(BLANKS).len();
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

/// Reads `skip=…;error=…;experimental=…`, as a directive and as a comment above an instruction.
pub(crate) fn check_options(text: &str) -> Result<Check, Reason> {
    let mut check = Check::default();
    for option in text.split(';') {
        let (key, setting) = option.split_once('=').unwrap_or((option, ""));
        match key.trim() {
            "skip" | "experimental" | "error" if !option.contains('=') => {
                return Err(Reason::CheckSetting { option: key.trim().to_owned() });
            }
            "skip" => check.skip = selection(setting),
            "experimental" => check.experimental = selection(setting),
            "error" => check.strictness = strictness(setting.trim())?,
            other => {
                let suggestion = nearest(other, ["skip", "error", "experimental"]);
                let suggestion = suggestion.map(str::to_owned);
                return Err(Reason::CheckOption { option: shortened(other), suggestion });
            }
        }
    }
    Ok(check)
}

/// `all` is written in lower case, as the names of rules have their exact case.
fn selection(setting: &str) -> Selection {
    if setting.trim() == "all" {
        return Selection::All;
    }
    let names = setting.split(',').map(str::trim).filter(|name| !name.is_empty());
    Selection::Named(names.map(str::to_owned).collect())
}

/// Reads the values of Go's `strconv.ParseBool`.
fn strictness(setting: &str) -> Result<Strictness, Reason> {
    match crate::parser::mount::boolean(setting) {
        Some(true) => Ok(Strictness::Error),
        Some(false) => Ok(Strictness::Warn),
        None => Err(Reason::NotBoolean { value: shortened(setting) }),
    }
}
