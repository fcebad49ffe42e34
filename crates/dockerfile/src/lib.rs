//! The Dockerfile language: text to a typed tree with spans. Pure; never touches a disk.

mod directive;
mod heredoc;
mod instruction;
mod span;
mod stage;
mod word;

pub use directive::{Check, Directives, Selection, Strictness};
pub use heredoc::{Expansion, Heredoc, Indentation};
pub use instruction::{
    Access, Add, Arg, BindMount, CacheMount, Command, Copy, CopySource, Declaration, Env, Expose,
    Healthcheck, HealthcheckTest, Instruction, KeyValue, KeyValueForm, Label, Maintainer, Mount,
    MountKind, Network, Onbuild, Run, RunCommand, SecretMount, Security, Sharing, Shell, SshMount,
    Statement, Stopsignal, TmpfsMount, User, Volume, Workdir,
};
pub use span::{Span, Spanned};
pub use stage::{Dockerfile, GlobalArg, Remark, RemarkKind, Stage, StageName};
pub use word::{Escape, Word};
