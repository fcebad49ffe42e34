//! `CopyIgnoredFile`.

use super::scope::Scope;
use super::{Found, Judge, Rule, Status, Subject};
use crate::{CopySource, Ignore, IgnoreRule, Instruction, Statement};

pub(super) const RULE: Rule = Rule {
    name: "CopyIgnoredFile",
    description: "What is copied is not in `.dockerignore`.",
    status: Status::Standard,
    check: Judge::Statement(check),
};

fn check(subject: &Subject<'_>, scope: &mut Scope<'_>, statement: &Statement) -> Vec<Found> {
    // What a `!` takes back cannot be told without the files.
    let ignore = subject.options.ignore.as_ref().filter(|ignore| !ignore.has_exceptions());
    let Some(ignore) = ignore else { return Vec::new() };
    let mut found = Vec::new();
    for source in sources(statement) {
        let CopySource::Path(word) = source else { continue };
        let Some(path) = scope.text(word).map(|path| path.text) else { continue };
        if is_remote(&path) {
            continue;
        }
        let path = path.trim_start_matches("./").trim_matches('/');
        if let Some(rule) = excluded(ignore, path) {
            let message = format!("`{}` is excluded by `.dockerignore`", word.raw());
            let hint = format!("line {} of it says `{}`", rule.line, rule.pattern);
            found.push(Found::new(word.span(), message).with_hint(hint));
        }
    }
    found
}

/// Returns what comes from the context.
fn sources(statement: &Statement) -> &[CopySource] {
    match &statement.instruction {
        Instruction::Add(add) => &add.sources,
        Instruction::Copy(copy) if copy.from.is_none() => &copy.sources,
        _ => &[],
    }
}

fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@")
}

/// The root of the context is no file that a pattern such as `.*` could mean; only what excludes everything excludes it.
fn excluded<'a>(ignore: &'a Ignore, path: &str) -> Option<&'a IgnoreRule> {
    if matches!(path, "" | ".") {
        let everything = |rule: &&IgnoreRule| matches!(&*rule.pattern, "*" | "**" | "**/*");
        return ignore.rules().iter().find(everything);
    }
    ignore.excludes(path)
}
