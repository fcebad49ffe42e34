//! What the language has and this builder has not, yet: an error that names its place, never a step that is left out.

use notes_dockerfile::{Instruction, Run, Security, Span, Statement};

use super::{Error, Problem};

/// Checks that every statement is supported.
pub(crate) fn check(statements: &[Statement]) -> Result<(), Error> {
    statements.iter().try_for_each(check_one)
}

fn check_one(statement: &Statement) -> Result<(), Error> {
    match &statement.instruction {
        Instruction::Run(run) => check_run(run),
        Instruction::Onbuild(onbuild) => check_one(&onbuild.trigger),
        _ => Ok(()),
    }
}

fn check_run(run: &Run) -> Result<(), Error> {
    if let Some(security) = run.security.as_ref().filter(|it| it.value == Security::Insecure) {
        return unsupported(
            "`--security=insecure`",
            "a build has no more rights than its user; leave it out",
            security.span,
        );
    }
    if let Some(device) = run.devices.first() {
        return unsupported("`--device`", "leave it out", device.span);
    }
    Ok(())
}

fn unsupported(what: &str, instead: &'static str, span: Span) -> Result<(), Error> {
    Err(Problem::Unsupported { what: what.into(), instead }.at(span))
}
