//! `SecretsUsedInArgOrEnv`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::{Instruction, Word};

pub(super) const RULE: Rule = Rule {
    name: "SecretsUsedInArgOrEnv",
    description: "Secrets are mounted; `ARG` and `ENV` write them into the image.",
    status: Status::Standard,
    check: Judge::File(check),
};

/// Parts of a name that speak of a secret.
const SECRET: [&str; 10] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "password",
    "pword",
    "passwd",
    "secret",
    "token",
];
/// Parts that say it is none after all.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    // An `ARG` before the first `FROM` reaches no image.
    let names = subject.statements().flat_map(|statement| match &statement.instruction {
        Instruction::Arg(arg) => arg.declarations.iter().map(|arg| &arg.name).collect(),
        Instruction::Env(env) => env.pairs.iter().map(|pair| &pair.key).collect(),
        _ => Vec::<&Word>::new(),
    });
    names
        .filter(|name| is_secret(name.raw()))
        .map(|name| {
            let message =
                format!("`{}` looks like a secret, and the image would show it", name.raw());
            Found::new(name.span(), message).with_hint("use `RUN --mount=type=secret`")
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    has(&SECRET) && !has(&HARMLESS)
}
