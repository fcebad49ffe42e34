//! What the language has and this builder has not, yet: an error that names its place, never a step that is left out.

use notes_dockerfile::{Instruction, Mount, MountKind, Run, Security, Span, Statement};

use super::{Error, Problem};

/// Checks that every statement is supported.
pub(crate) fn check(statements: &[Statement]) -> Result<(), Error> {
    statements.iter().try_for_each(check_one)
}

fn check_one(statement: &Statement) -> Result<(), Error> {
    match &statement.instruction {
        Instruction::Run(run) => check_run(run),
        Instruction::Add(add) => match (&add.checksum, add.keep_git_dir) {
            (Some(checksum), _) => unsupported(
                "`--checksum`",
                "fetch the file in an earlier CI job or in a `RUN`, and check it there",
                checksum.span(),
            ),
            (None, Some(span)) => unsupported(
                "`--keep-git-dir`",
                "clone the repository in an earlier CI job and `COPY` it",
                span,
            ),
            (None, None) => Ok(()),
        },
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
    run.mounts.iter().try_for_each(check_mount)
}

fn check_mount(mount: &Mount) -> Result<(), Error> {
    match &mount.kind {
        MountKind::Ssh(_) => unsupported(
            "`--mount=type=ssh`",
            "fetch what needs the key in an earlier CI job, or pass a token as a secret",
            mount.span,
        ),
        MountKind::Cache(cache) if cache.from.is_some() => {
            unsupported("`from` of a cache mount", "fill the cache in the `RUN`", mount.span)
        }
        _ => Ok(()),
    }
}

fn unsupported(what: &str, instead: &'static str, span: Span) -> Result<(), Error> {
    Err(Problem::Unsupported { what: what.into(), instead }.at(span))
}
