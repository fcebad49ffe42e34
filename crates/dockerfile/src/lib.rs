//! The Dockerfile language: text to a typed tree with spans, and what words in it mean.
//!
//! The crate is pure. It reads no file, no environment and no clock, knows nothing of images or processes, and every
//! function gives the same answer for the same text. What an engine does with an instruction is the engine's matter; the
//! tree keeps everything, with its place, so that an engine can refuse what it does not support and show the line.
//!
//! ```
//! use std::collections::BTreeMap;
//! use notes_dockerfile::{Dockerfile, Instruction};
//!
//! let source = "\
//! FROM python:3.13-slim AS app
//! ENV APP=/srv/app
//! WORKDIR $APP
//! COPY --chown=app . .
//! CMD [\"gunicorn\", \"notes.wsgi\"]
//! ";
//! let file = Dockerfile::parse(source)?;
//! let stage = file.stage("APP").expect("stage names have no case");
//! let environment = BTreeMap::from([("APP".to_owned(), "/srv/app".to_owned())]);
//! for statement in &stage.statements {
//!     if let Instruction::Workdir(workdir) = &statement.instruction {
//!         assert_eq!(workdir.path.expand(&environment)?, "/srv/app");
//!         assert_eq!(statement.span.text(source), "WORKDIR $APP");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it reads
//!
//! 1. The lexer joins lines to logical lines and remembers where each part came from; comments vanish.
//! 2. The parser takes a keyword, its flags and its arguments, and reads heredoc bodies off the lines below.
//! 3. What variables may change stays a [`Word`] with its quotes: [`Word::expand`] needs the environment of its step, which
//!    only a build knows.
//!
//! The behaviour is that of `BuildKit`'s frontend 1.x, down to its oddities (broken JSON is shell text, `WORKDIR /a b` is one
//! path), because people bring the Dockerfiles they have. The one deliberate difference: what is not understood is an
//! error with its line, never passed over. [`checklist`] says for every rule where it is tested, and where we differ.
//!
//! All of it is linear in the text, except for patterns, which take the product of pattern and value. What a file can make grow or
//! take long (values that double, patterns with many stars, nesting) has a limit and is an error beyond it; [`Work`] is the limit of many words
//! together.

#[doc = include_str!("docs/checklist.md")]
pub mod checklist {}

mod arguments;
mod diagnostic;
mod directive;
mod duration;
mod error;
mod expand;
mod fields;
mod heredoc;
mod ignore;
mod instruction;
mod json;
mod lexer;
mod lines;
pub mod lint;
mod numbers;
mod parser;
mod piece;
mod span;
mod stage;
mod suggestion;
mod wildcard;
mod word;

pub use diagnostic::{Excerpt, Position, Severity, render};
pub use directive::{Check, Directives, Selection, Strictness};
pub use error::{ParseError, Reason};
pub use expand::{ExpandError, ExpandReason, Expanded, Variables, Work};
pub use fields::fields;
pub use heredoc::{Expansion, Heredoc, Indentation};
pub use ignore::{Effect, Ignore, IgnoreError, IgnoreRule};
pub use instruction::{
    Access, Add, Arg, BindMount, CacheMount, Command, Copy, CopySource, Declaration, Env, Expose,
    Healthcheck, HealthcheckTest, Instruction, KeyValue, KeyValueForm, Label, Maintainer, Mount,
    MountKind, Network, Onbuild, Port, PortError, Protocol, Run, RunCommand, SecretMount, Security,
    Sharing, Shell, SshMount, Statement, Stopsignal, TmpfsMount, User, Volume, Workdir,
};
pub use lines::Lines;
pub use numbers::{parse_mode, parse_size};
pub use piece::{Piece, PieceKind};
pub use span::{Span, Spanned};
pub use stage::{Dockerfile, GlobalArg, Remark, RemarkKind, Stage, StageName};
pub use wildcard::{Stars, Wildcard, WildcardError};
pub use word::{Escape, Word};
