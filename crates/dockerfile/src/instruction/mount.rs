//! `RUN --mount`: what a command sees besides the root file system. Nothing of it reaches the layer.

use crate::{Span, Spanned, Word};

/// One `--mount` flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// The value of the flag.
    pub span: Span,
}

/// The five types of mount.
///
/// Keys, `type`, `from`, `sharing` and switches are literal; every other value may hold variables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named like the documented type it holds")]
pub enum MountKind {
    Bind(BindMount),
    Cache(CacheMount),
    Tmpfs(TmpfsMount),
    Secret(SecretMount),
    Ssh(SshMount),
}

/// Whether a mount may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `ro`, `readonly`.
    ReadOnly,
    /// `rw`, `readwrite`.
    ReadWrite,
}

/// `type=bind`, the default: files of the context, a stage or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindMount {
    /// Where it is mounted; relative to the working directory.
    pub target: Word,
    /// A stage, image or named context; the build context when absent.
    pub from: Option<Spanned<String>>,
    /// The path in it; its root when absent.
    pub source: Option<Word>,
    /// Read-only unless told otherwise; what is written is discarded.
    pub access: Access,
}

/// `type=cache`: a directory that outlives the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheMount {
    /// Where it is mounted.
    pub target: Word,
    /// Which cache; the cleaned target when absent.
    pub id: Option<Word>,
    /// What fills a new cache.
    pub from: Option<Spanned<String>>,
    /// The path in `from`.
    pub source: Option<Word>,
    /// Who may use it at the same time.
    pub sharing: Sharing,
    /// The octal mode of a new cache, 0755 when absent; [`parse_mode`](crate::parse_mode) reads it.
    pub mode: Option<Word>,
    /// The owner of a new cache, 0 when absent.
    pub uid: Option<Word>,
    /// The group of a new cache, 0 when absent.
    pub gid: Option<Word>,
    /// Writable unless told otherwise.
    pub access: Access,
}

/// Who may use a cache at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody; the default.
    #[default]
    Shared,
    /// A second user gets a cache of its own.
    Private,
    /// A second user waits.
    Locked,
}

/// `type=tmpfs`: memory that is discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TmpfsMount {
    /// Where it is mounted.
    pub target: Word,
    /// Its limit; [`parse_size`](crate::parse_size) reads it.
    pub size: Option<Word>,
}

/// `type=secret`: a secret as a file, a variable or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretMount {
    /// Which secret (`id`, or its old name `source`); the last element of the target when absent.
    pub id: Option<Word>,
    /// The file; `/run/secrets/<id>` when absent, unless `env` stands alone.
    pub target: Option<Word>,
    /// The variable that holds it.
    pub env: Option<Word>,
    /// Where `required` was said: a missing secret is then an error.
    pub required: Option<Span>,
    /// The octal mode of the file, 0400 when absent.
    pub mode: Option<Word>,
    /// The owner of the file, 0 when absent.
    pub uid: Option<Word>,
    /// The group of the file, 0 when absent.
    pub gid: Option<Word>,
}

/// `type=ssh`: the socket of an SSH agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshMount {
    /// Which agent; `default` when absent.
    pub id: Option<Word>,
    /// The socket; `/run/buildkit/ssh_agent.N` when absent.
    pub target: Option<Word>,
    /// Where `required` was said: a missing agent is then an error.
    pub required: Option<Span>,
    /// The octal mode of the socket, 0600 when absent.
    pub mode: Option<Word>,
    /// The owner of the socket, 0 when absent.
    pub uid: Option<Word>,
    /// The group of the socket, 0 when absent.
    pub gid: Option<Word>,
}
