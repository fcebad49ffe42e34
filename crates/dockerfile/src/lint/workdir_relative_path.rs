//! `WorkdirRelativePath`.

use super::scope::Scope;
use super::{Found, Judge, Rule, Status, Subject};
use crate::{Dockerfile, Instruction, Statement};

pub(super) const RULE: Rule = Rule {
    name: "WorkdirRelativePath",
    description: "The first `WORKDIR` is absolute, so that the base image cannot move it.",
    status: Status::Standard,
    check: Judge::Statement(check),
};

fn check(subject: &Subject<'_>, scope: &mut Scope<'_>, statement: &Statement) -> Vec<Found> {
    let Instruction::Workdir(workdir) = &statement.instruction else { return Vec::new() };
    if subject.workdirs.binary_search(&statement.span.start).is_err() {
        return Vec::new();
    }
    // What depends on the base image or on a build argument is mostly absolute.
    let path = scope.text(&workdir.path).map(|path| path.text);
    let Some(path) = path.filter(|path| !is_absolute(path)) else { return Vec::new() };
    let written = workdir.path.raw();
    let message = format!("`{written}` depends on the base image's working directory");
    let hint = format!("write `WORKDIR /{path}`");
    let here = Found::new(workdir.path.span(), message);
    vec![if path.is_empty() { here } else { here.with_hint(hint) }]
}

/// Returns where the first `WORKDIR` of each chain of stages stands, in order: correcting it corrects those that follow.
pub(super) fn firsts(file: &Dockerfile, parents: &[Option<usize>]) -> Vec<usize> {
    let mut firsts = Vec::new();
    let mut set: Vec<bool> = Vec::new();
    for (stage, parent) in file.stages.iter().zip(parents) {
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
