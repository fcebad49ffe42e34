//! `WorkdirRelativePath`.

use super::{Found, Rule, Status, Subject};
use crate::{Instruction, Stage, Word};

pub(super) const RULE: Rule = Rule {
    name: "WorkdirRelativePath",
    description: "A relative `WORKDIR` follows an absolute one, so that the base image cannot move it.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut ends: Vec<bool> = Vec::new();
    for (stage, parent) in subject.file.stages.iter().zip(&subject.parents) {
        let mut anchored = parent.is_some_and(|parent| ends[parent]);
        for path in paths(stage) {
            if is_absolute(path) {
                anchored = true;
            } else if !anchored {
                let message =
                    format!("`{}` depends on the base image's working directory", path.raw());
                let hint = format!("write `WORKDIR /{}`", path.raw());
                found.push(Found::new(path.span(), message).with_hint(hint));
            }
        }
        ends.push(anchored);
    }
    found
}

fn paths(stage: &Stage) -> impl Iterator<Item = &Word> {
    stage.statements.iter().filter_map(|statement| match &statement.instruction {
        Instruction::Workdir(workdir) => Some(&workdir.path),
        _ => None,
    })
}

/// A path that begins with a variable is taken for absolute: it mostly is. So is one with a drive.
fn is_absolute(path: &Word) -> bool {
    let path = path.raw().trim_start_matches(['"', '\'']);
    path.starts_with(['/', '$']) || path.get(1..2) == Some(":")
}
