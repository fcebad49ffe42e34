//! `JSONArgsRecommended`.

use super::{BaseShell, Found, Rule, Status, Subject};
use crate::{Command, Dockerfile, Instruction, Remark, RemarkKind, Span};

pub(super) const RULE: Rule = Rule {
    name: "JSONArgsRecommended",
    description: "`CMD` and `ENTRYPOINT` are JSON arrays, so that signals reach the program.",
    status: Status::Standard,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut shells: Vec<bool> = Vec::new();
    for (stage, parent) in subject.file.stages.iter().zip(&subject.parents) {
        let base = subject.options.bases.get(&stage.index);
        let mut own_shell = match parent {
            Some(parent) => shells[*parent],
            None => base.is_some_and(|base| base.shell == BaseShell::Own),
        };
        for statement in &stage.statements {
            match &statement.instruction {
                Instruction::Shell(_) => own_shell = true,
                Instruction::Cmd(Command::Shell(_))
                | Instruction::Entrypoint(Command::Shell(_))
                    if !own_shell =>
                {
                    let name = statement.instruction.name();
                    let message =
                        format!("`{name}` runs in a shell that keeps signals from the program");
                    let hint = hint(subject.file, statement.span, name);
                    found.push(Found::new(statement.span, message).with_hint(hint));
                }
                _ => {}
            }
        }
        shells.push(own_shell);
    }
    found
}

fn hint(file: &Dockerfile, statement: Span, name: &str) -> String {
    let broken =
        |remark: &&Remark| remark.kind == RemarkKind::BrokenJson && statement.contains(remark.span);
    match file.remarks.iter().find(broken) {
        Some(_) => {
            "it looks like JSON and is none: JSON has double quotes and no final comma".to_owned()
        }
        None => format!("write `{name} [\"program\", \"argument\"]`"),
    }
}
