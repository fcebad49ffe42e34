//! `InvalidDefinitionDescription`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::{Arg, Dockerfile, Instruction, Span};

pub(super) const RULE: Rule = Rule {
    name: "InvalidDefinitionDescription",
    description: "A comment right above `ARG` or a named `FROM` is `# name text`.",
    status: Status::Experimental,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let file = subject.file;
    let globals = file.arguments.iter().map(|global| (global.span, names(&global.arg)));
    let stages = file
        .stages
        .iter()
        .filter_map(|stage| Some((stage.span, vec![stage.name.as_ref()?.written().value.clone()])));
    let below = subject.statements().filter_map(|statement| match &statement.instruction {
        Instruction::Arg(arg) => Some((statement.span, names(arg))),
        _ => None,
    });
    globals
        .chain(stages)
        .chain(below)
        .filter_map(|(span, names)| {
            let comment = comment_above(file, span)?;
            let text = comment.text(&file.source).trim_start_matches('#').trim_start();
            let first = text.split_whitespace().next()?;
            let fits = names.iter().any(|name| name == first);
            (!fits).then(|| {
                let message = "the comment above a definition does not describe it";
                Found::new(comment, message).with_hint(format!("write `# {} …`", names.join(" ")))
            })
        })
        .collect()
}

fn names(arg: &Arg) -> Vec<String> {
    arg.declarations.iter().map(|declaration| declaration.name.raw().to_owned()).collect()
}

/// Returns the comment that ends on the line above `span`.
fn comment_above(file: &Dockerfile, span: Span) -> Option<Span> {
    let index = file.comments.partition_point(|comment| comment.end <= span.start);
    let comment = *file.comments[..index].last()?;
    let between = &file.source[comment.end..span.start];
    // From its end: what is above the instruction before this one may be very long.
    let adjacent = between.trim_end().is_empty() && between.matches('\n').count() == 1;
    adjacent.then_some(comment)
}
