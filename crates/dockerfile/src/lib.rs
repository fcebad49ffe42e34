//! The Dockerfile language: text to a typed tree with spans. Pure; never touches a disk.

mod arguments;
mod diagnostic;
mod directive;
mod duration;
mod error;
mod expand;
mod heredoc;
mod ignore;
mod instruction;
mod json;
mod lexer;
mod numbers;
mod parser;
mod span;
mod stage;
mod suggestion;
mod wildcard;
mod word;

pub use diagnostic::{Excerpt, Position, Severity, render};
pub use directive::{Check, Directives, Selection, Strictness};
pub use error::{ParseError, Reason};
pub use expand::{ExpandError, ExpandReason, Expanded, Variables};
pub use heredoc::{Expansion, Heredoc, Indentation};
pub use ignore::{Effect, Ignore, IgnoreError, IgnoreRule};
pub use instruction::{
    Access, Add, Arg, BindMount, CacheMount, Command, Copy, CopySource, Declaration, Env, Expose,
    Healthcheck, HealthcheckTest, Instruction, KeyValue, KeyValueForm, Label, Maintainer, Mount,
    MountKind, Network, Onbuild, Port, PortError, Protocol, Run, RunCommand, SecretMount, Security,
    Sharing, Shell, SshMount, Statement, Stopsignal, TmpfsMount, User, Volume, Workdir,
};
pub use numbers::{parse_mode, parse_size};
pub use span::{Span, Spanned};
pub use stage::{Dockerfile, GlobalArg, Remark, RemarkKind, Stage, StageName};
pub use wildcard::{Stars, Wildcard, WildcardError};
pub use word::{Escape, Word};
