//! `UndefinedVar`.

use super::scope::Scope;
use super::{Found, Judge, Rule, Status, Subject};
use crate::{CopySource, Declaration, Heredoc, Instruction, Span, Statement, Word};

pub(super) const RULE: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables are set before they are used.",
    status: Status::Standard,
    check: Judge::Statement(check),
};

fn check(subject: &Subject<'_>, scope: &mut Scope<'_>, statement: &Statement) -> Vec<Found> {
    if let Instruction::Arg(arg) = &statement.instruction {
        return in_declarations(subject, scope, &arg.declarations);
    }
    let mut found = Vec::new();
    for word in statement.instruction.words() {
        found.extend(judge(subject, scope, scope.undefined(word), word.span()));
    }
    for heredoc in heredocs(statement) {
        found.extend(judge(subject, scope, scope.undefined_in(heredoc), heredoc.span));
    }
    found
}

fn in_declarations(
    subject: &Subject<'_>,
    scope: &mut Scope<'_>,
    declarations: &[Declaration],
) -> Vec<Found> {
    let literal = |it: &Declaration| it.default.as_ref().is_none_or(Word::is_literal);
    if declarations.iter().all(literal) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mark = scope.mark();
    for declaration in declarations {
        if let Some(word) = &declaration.default {
            found.extend(judge(subject, scope, scope.undefined(word), word.span()));
        }
        scope.declare(declaration);
    }
    scope.take_back(mark);
    found
}

fn heredocs(statement: &Statement) -> impl Iterator<Item = &Heredoc> {
    let sources = match &statement.instruction {
        Instruction::Add(add) => &add.sources[..],
        Instruction::Copy(copy) => &copy.sources[..],
        _ => &[],
    };
    sources.iter().filter_map(|source| match source {
        CopySource::Heredoc(heredoc) => Some(heredoc),
        CopySource::Path(_) => None,
    })
}

/// The base image may set what looks unset; without knowing it, only what is certain or likely is reported.
fn judge(
    subject: &Subject<'_>,
    scope: &Scope<'_>,
    names: Vec<String>,
    span: Span,
) -> impl Iterator<Item = Found> {
    names.into_iter().filter_map(move |name| {
        let found = Found::new(span, format!("`{name}` is not set here"));
        if subject.globals.declares(&name) {
            let hint = format!("`ARG {name}` in this stage brings in the global one");
            return Some(found.with_hint(hint));
        }
        match scope.meant(&name) {
            Some(near) => Some(found.with_hint(format!("did you mean `{near}`?"))),
            None => scope.complete.then_some(found),
        }
    })
}
