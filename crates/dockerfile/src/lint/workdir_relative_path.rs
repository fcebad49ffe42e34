//! `WorkdirRelativePath`.

use super::scope::Scope;
use super::{Found, Rule, Status, Subject};
use crate::Instruction;

pub(super) const RULE: Rule = Rule {
    name: "WorkdirRelativePath",
    description: "The first `WORKDIR` is absolute, so that the base image cannot move it.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let firsts = firsts(subject);
    let mut found = Vec::new();
    Scope::walk(subject, |scope, statement| {
        let Instruction::Workdir(workdir) = &statement.instruction else { return };
        if !firsts.contains(&statement.span.start) {
            return;
        }
        // What depends on the base image or on a build argument is mostly absolute.
        let Some(path) = scope.text(&workdir.path).map(|path| path.text) else { return };
        if !is_absolute(&path) {
            let written = workdir.path.raw();
            let message = format!("`{written}` depends on the base image's working directory");
            let hint = format!("write `WORKDIR /{path}`");
            let here = Found::new(workdir.path.span(), message);
            found.push(if path.is_empty() { here } else { here.with_hint(hint) });
        }
    });
    found
}

/// Returns where the first `WORKDIR` of each chain of stages stands: correcting it corrects those that follow.
fn firsts(subject: &Subject<'_>) -> Vec<usize> {
    let mut firsts = Vec::new();
    let mut set: Vec<bool> = Vec::new();
    for (stage, parent) in subject.file.stages.iter().zip(&subject.parents) {
        let inherited = parent.is_some_and(|parent| set[parent]);
        let mut own = stage
            .statements
            .iter()
            .filter(|statement| matches!(statement.instruction, Instruction::Workdir(_)));
        let first = own.next();
        firsts.extend(first.filter(|_| !inherited).map(|first| first.span.start));
        set.push(inherited || first.is_some());
    }
    firsts
}

/// Also a path with a drive is absolute.
fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..2) == Some(":")
}
