//! `JSONArgsRecommended`.

use super::{BaseShell, Found, Judge, Rule, Status, Subject};
use crate::{Command, Dockerfile, Instruction, Remark, RemarkKind, Span};

pub(super) const RULE: Rule = Rule {
    name: "JSONArgsRecommended",
    description: "`CMD` and `ENTRYPOINT` are JSON arrays, so that signals reach the program.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut shells: Vec<bool> = Vec::new();
    let broken = broken(subject.file);
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
                    let hint = hint(&broken, statement.span, name);
                    found.push(Found::new(statement.span, message).with_hint(hint));
                }
                _ => {}
            }
        }
        shells.push(own_shell);
    }
    found
}

/// Returns where text that looks like JSON and is none stands, in order.
fn broken(file: &Dockerfile) -> Vec<Span> {
    let broken = |remark: &&Remark| remark.kind == RemarkKind::BrokenJson;
    file.remarks.iter().filter(broken).map(|remark| remark.span).collect()
}

fn hint(broken: &[Span], statement: Span, name: &str) -> String {
    let next = broken.partition_point(|span| span.start < statement.start);
    match broken.get(next) {
        Some(span) if statement.contains(*span) => {
            "it looks like JSON and is none: JSON has double quotes and no final comma".to_owned()
        }
        _ => format!("write `{name} [\"program\", \"argument\"]`"),
    }
}
