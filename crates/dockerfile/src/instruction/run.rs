//! `RUN`: a command whose changes become a layer.

use super::Mount;
use crate::{Heredoc, Spanned};

/// `RUN [flags] command`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: RunCommand,
    /// The values of `--mount`, in order.
    pub mounts: Vec<Mount>,
    /// The value of `--network`.
    pub network: Option<Spanned<Network>>,
    /// The value of `--security`.
    pub security: Option<Spanned<Security>>,
    /// The values of `--device`, as written.
    pub devices: Vec<Spanned<String>>,
}

/// What a `RUN` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// Text for the shell. Heredocs inside it are the shell's: their bodies and terminators follow the first line, so that
    /// the text can be handed on as it is.
    Shell(String),
    /// A program and its arguments.
    Exec(Vec<String>),
    /// Nothing but a heredoc: its body is the script. A body that begins with `#!` is a program of its own, see
    /// [`Heredoc::interpreter`].
    Script(Heredoc),
}

/// Which network a `RUN` sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The network that builds have.
    Default,
    /// Loopback only.
    None,
    /// The network of the host.
    Host,
}

/// How a `RUN` is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// As always.
    Sandbox,
    /// With the rights of the builder.
    Insecure,
}
