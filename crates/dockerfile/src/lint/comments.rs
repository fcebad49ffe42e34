//! Comments right above an instruction that say which rules count for it: `# check=skip=JSONArgsRecommended`.

use crate::parser::check_options;
use crate::{Check, Dockerfile, Span};

/// The instructions that have such a comment, in order.
pub(super) struct Comments {
    checks: Vec<(Span, Check)>,
}

impl Comments {
    pub(super) fn of(file: &Dockerfile) -> Self {
        let globals = file.arguments.iter().map(|global| global.span);
        let below = file.stages.iter().flat_map(|stage| {
            let statements = stage.statements.iter().map(|statement| statement.span);
            Some(stage.span).into_iter().chain(statements)
        });
        let checks = globals.chain(below).filter_map(|span| above(file, span));
        Self { checks: checks.collect() }
    }

    /// Returns what is said for the instruction that `place` is in, or right above.
    pub(super) fn at(&self, place: Span) -> Option<&Check> {
        let index = self.checks.partition_point(|(span, _)| span.end < place.start);
        let (span, check) = self.checks.get(index)?;
        span.contains(place).then_some(check)
    }
}

/// Returns what a comment above `span` says. Blank lines do not matter, an empty comment ends the search
/// (`Parse` in `BuildKit`'s parser).
///
/// The span begins with the first of the comments, for findings about them.
fn above(file: &Dockerfile, span: Span) -> Option<(Span, Check)> {
    let end = file.comments.partition_point(|comment| comment.end <= span.start);
    let mut below = span.start;
    let mut first = None;
    for comment in file.comments[..end].iter().rev() {
        let text = comment.text(&file.source).strip_prefix('#')?.trim();
        let between = file.source.get(comment.end..below)?;
        if text.is_empty() || !between.trim().is_empty() {
            break;
        }
        // The first one counts.
        first = options(text).or(first);
        below = comment.start;
    }
    Some((Span::new(below, span.end), first?))
}

/// What cannot be read is an ordinary comment.
fn options(comment: &str) -> Option<Check> {
    let (name, value) = comment.split_once('=')?;
    if !name.trim_end().eq_ignore_ascii_case("check") {
        return None;
    }
    check_options(value.trim()).ok()
}
