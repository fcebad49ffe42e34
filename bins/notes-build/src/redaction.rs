//! Secrets in what a command says.

use std::borrow::Cow;

use notes_sandbox::Secret;

/// What stands in the place of a secret.
const HIDDEN: &str = "[secret]";
/// Shorter lines than this are too likely to be something else: hiding every `}` or `yes` would hide the log.
const SHORTEST: usize = 4;

/// Hides the secrets of a build in the lines of its commands. A CI system masks values that it knows by one line each; a
/// secret file it does not know.
///
/// A command that changes a secret before it says it (base64, for one) is not seen through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction(Vec<Secret>);

impl Redaction {
    /// Returns the redaction of `secrets`, each line of them by itself, the longest first.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut lines: Vec<Secret> = Vec::new();
        for secret in secrets {
            let text = String::from_utf8_lossy(secret.expose());
            let long = |line: &&str| line.chars().count() >= SHORTEST;
            lines.extend(text.lines().map(str::trim).filter(long).map(Secret::new));
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.expose().len()));
        Self(lines)
    }

    /// Returns `line` without secrets.
    pub(crate) fn apply<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut line = Cow::Borrowed(line);
        for secret in &self.0 {
            let Ok(secret) = str::from_utf8(secret.expose()) else { continue };
            if line.contains(secret) {
                line = Cow::Owned(line.replace(secret, HIDDEN));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_secret_is_hidden() {
        let secrets = [Secret::new("hunter2\n"), Secret::new("-----BEGIN\nabcdef\n}\n")];
        let redaction = Redaction::of(&secrets);
        assert_eq!(redaction.apply("token: hunter2, hunter2!"), "token: [secret], [secret]!");
        assert_eq!(redaction.apply("  abcdef }"), "  [secret] }");
        assert!(matches!(redaction.apply("nothing"), Cow::Borrowed("nothing")));
        assert!(!format!("{redaction:?}").contains("hunter2"));
    }
}
