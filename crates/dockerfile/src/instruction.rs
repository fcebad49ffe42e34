//! The instructions of the language, as typed values.

mod command;
mod copy;
mod expose;
mod healthcheck;
mod mount;
mod run;
mod words;

pub use command::Command;
pub use copy::{Add, Copy, CopySource};
pub use expose::{Expose, Port, PortError, Protocol};
pub use healthcheck::{Healthcheck, HealthcheckTest};
pub use mount::{
    Access, BindMount, CacheMount, Mount, MountKind, SecretMount, Sharing, SshMount, TmpfsMount,
};
pub use run::{Network, Run, RunCommand, Security};

use crate::{Span, Spanned, Word};

/// One instruction in its place: what it says, where it stands, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it says.
    pub instruction: Instruction,
    /// The whole statement: from its keyword to the end of its last line, heredoc bodies included.
    pub span: Span,
    /// The keyword as written, for example `run`.
    pub keyword: Spanned<String>,
    /// The text with continuations joined and comments left out, without heredoc bodies: what other builders show and
    /// what history entries are made of.
    pub original: String,
}

/// An instruction other than `FROM`, which begins a [`Stage`](crate::Stage).
///
/// The large ones are boxed, so that a long file of small ones stays small.
///
/// Everything that variables may change is still a [`Word`]. Flags that are on are `Some` and carry their place, so that an
/// engine which does not support one can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named like the documented type it holds")]
pub enum Instruction {
    Add(Box<Add>),
    Arg(Arg),
    Cmd(Command),
    Copy(Box<Copy>),
    Entrypoint(Command),
    Env(Env),
    Expose(Expose),
    Healthcheck(Box<Healthcheck>),
    Label(Label),
    Maintainer(Maintainer),
    Onbuild(Onbuild),
    Run(Box<Run>),
    Shell(Shell),
    Stopsignal(Stopsignal),
    User(User),
    Volume(Volume),
    Workdir(Workdir),
}

impl Instruction {
    /// Returns the keyword in capitals.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "ADD",
            Self::Arg(_) => "ARG",
            Self::Cmd(_) => "CMD",
            Self::Copy(_) => "COPY",
            Self::Entrypoint(_) => "ENTRYPOINT",
            Self::Env(_) => "ENV",
            Self::Expose(_) => "EXPOSE",
            Self::Healthcheck(_) => "HEALTHCHECK",
            Self::Label(_) => "LABEL",
            Self::Maintainer(_) => "MAINTAINER",
            Self::Onbuild(_) => "ONBUILD",
            Self::Run(_) => "RUN",
            Self::Shell(_) => "SHELL",
            Self::Stopsignal(_) => "STOPSIGNAL",
            Self::User(_) => "USER",
            Self::Volume(_) => "VOLUME",
            Self::Workdir(_) => "WORKDIR",
        }
    }
}

/// `ARG name[=default] ...`: declares build arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The declared arguments, at least one, in order.
    pub declarations: Vec<Declaration>,
}

/// One argument that an `ARG` declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Its name, as written: no variable is put into it.
    pub name: Word,
    /// What it is unless the caller says otherwise. Without one it is unset.
    pub default: Option<Word>,
}

/// A key and a value, both still to be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Word,
    /// The value.
    pub value: Word,
}

/// How keys and values were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyValueForm {
    /// `key=value ...`
    Equals,
    /// `key value with spaces`: the rest of the line is one value. Deprecated.
    Legacy,
}

/// `ENV key=value ...`: sets environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// The variables in order. All are expanded with the environment from before the instruction.
    pub pairs: Vec<KeyValue>,
    /// How they were written.
    pub form: KeyValueForm,
}

/// `LABEL key=value ...`: adds labels to the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The labels in order.
    pub pairs: Vec<KeyValue>,
    /// How they were written.
    pub form: KeyValueForm,
}

/// `MAINTAINER text`: sets the author. Deprecated, and not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintainer {
    /// The author.
    pub name: Spanned<String>,
}

/// `ONBUILD instruction`: what a build that starts from this image does first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onbuild {
    /// The trigger as the image's config stores it, heredoc bodies included; [`Statement::parse_trigger`] reads it again.
    pub text: String,
    /// The trigger, parsed. Never `FROM`, `MAINTAINER` or another `ONBUILD`.
    pub trigger: Box<Statement>,
}

/// `SHELL ["program", "argument"]`: what shell forms are handed to from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shell {
    /// The program and its first arguments; not empty, not expanded.
    pub arguments: Vec<String>,
}

/// `STOPSIGNAL signal`: what stops a container of this image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopsignal {
    /// A name or a number.
    pub signal: Word,
}

/// `USER name[:group]`: who later commands run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A name or number, and perhaps a group.
    pub user: Word,
}

/// `VOLUME path ...`: paths that hold data of their own at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The paths, at least one.
    pub paths: Vec<Word>,
}

/// `WORKDIR path`: where later instructions work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workdir {
    /// The path; a relative one continues the previous one.
    pub path: Word,
}
