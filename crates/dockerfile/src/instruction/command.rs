//! What a container runs: `CMD`, `ENTRYPOINT` and the command of `HEALTHCHECK`.

/// A command line in one of its two forms. Never expanded here: the shell does that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Text for the shell that `SHELL` chose, continuations joined, otherwise exactly as written.
    Shell(String),
    /// A program and its arguments, from a JSON array. May be empty, which resets.
    Exec(Vec<String>),
}
