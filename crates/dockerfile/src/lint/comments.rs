//! Comments right above an instruction that say which rules count for it: `# check=skip=JSONArgsRecommended`.

use super::switches::Switches;
use crate::parser::check_options;
use crate::{Dockerfile, Span};

/// The instructions that have such a comment, in order.
pub(super) struct Comments {
    checks: Vec<(Span, Switches)>,
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

    /// Returns what is said for the instruction that `place` is in, or right above; nothing where nothing is said.
    pub(super) fn at(&self, place: Span) -> Switches {
        let index = self.checks.partition_point(|(span, _)| span.end < place.start);
        let found = self.checks.get(index).filter(|(span, _)| span.contains(place));
        found.map(|(_, switches)| *switches).unwrap_or_default()
    }
}

/// Returns what a comment above `span` says. Blank lines do not matter, an empty comment ends the search
/// (`Parse` in `BuildKit`'s parser).
///
/// The span begins with the first of the comments, for findings about them.
fn above(file: &Dockerfile, span: Span) -> Option<(Span, Switches)> {
    let end = file.comments.partition_point(|comment| comment.end <= span.start);
    let mut below = span.start;
    let mut first = None;
    for comment in file.comments[..end].iter().rev() {
        let text = comment.text(&file.source).strip_prefix('#')?.trim();
        let between = file.source.get(comment.end..below)?;
        // From its end, which is the instruction before or nothing: what is above that may be very long.
        if text.is_empty() || !between.trim_end().is_empty() {
            break;
        }
        // The first one counts.
        first = options(text).or(first);
        below = comment.start;
    }
    Some((Span::new(below, span.end), first?))
}

/// What cannot be read is an ordinary comment.
fn options(comment: &str) -> Option<Switches> {
    let (name, value) = comment.split_once('=')?;
    if !name.trim_end().eq_ignore_ascii_case("check") {
        return None;
    }
    check_options(value.trim()).ok().map(|check| Switches::of(&check))
}
