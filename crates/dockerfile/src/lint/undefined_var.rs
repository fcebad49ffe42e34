//! `UndefinedVar`.

use std::borrow::Cow;

use super::scope::Scope;
use super::{Found, Rule, Status, Subject};
use crate::suggestion::nearest;
use crate::{CopySource, Declaration, Heredoc, Instruction, Span, Statement};

pub(super) const RULE: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables are set before they are used.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    Scope::walk(subject, |scope, statement| {
        if let Instruction::Arg(arg) = &statement.instruction {
            found.extend(in_declarations(subject, scope, &arg.declarations));
            return;
        }
        for word in statement.instruction.words() {
            found.extend(judge(subject, scope, scope.undefined(word), word.span()));
        }
        for heredoc in heredocs(statement) {
            found.extend(judge(subject, scope, scope.undefined_in(heredoc), heredoc.span));
        }
    });
    found
}

fn in_declarations(
    subject: &Subject<'_>,
    scope: &Scope,
    declarations: &[Declaration],
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut scope = Cow::Borrowed(scope);
    for (index, declaration) in declarations.iter().enumerate() {
        if let Some(word) = &declaration.default {
            found.extend(judge(subject, &scope, scope.undefined(word), word.span()));
        }
        if index + 1 < declarations.len() {
            scope.to_mut().declare(subject, declaration);
        }
    }
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
    scope: &Scope,
    names: Vec<String>,
    span: Span,
) -> impl Iterator<Item = Found> {
    names.into_iter().filter_map(move |name| {
        let found = Found::new(span, format!("`{name}` is not set here"));
        if subject.globals.declares(&name) {
            let hint = format!("`ARG {name}` in this stage brings in the global one");
            return Some(found.with_hint(hint));
        }
        match nearest(&name, scope.names()) {
            Some(near) => Some(found.with_hint(format!("did you mean `{near}`?"))),
            None => scope.complete.then_some(found),
        }
    })
}
