//! `COPY` and `ADD`: files become a layer.

use crate::{Heredoc, Span, Spanned, Word};

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// A path or pattern; for `ADD` perhaps a URL, which is known once it is expanded.
    Path(Word),
    /// A file that the Dockerfile itself holds, named by its word.
    Heredoc(Heredoc),
}

/// `COPY [flags] source ... destination`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// At least one source, in order.
    pub sources: Vec<CopySource>,
    /// Where they go.
    pub destination: Word,
    /// `--from`: a stage, its number, an image or a named context. Not expanded.
    pub from: Option<Spanned<String>>,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// Where `--link` was said.
    pub link: Option<Span>,
    /// Where `--parents` was said.
    pub parents: Option<Span>,
    /// The values of `--exclude`. Not expanded.
    pub excludes: Vec<Spanned<String>>,
}

/// `ADD [flags] source ... destination`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// At least one source, in order.
    pub sources: Vec<CopySource>,
    /// Where they go.
    pub destination: Word,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// Where `--link` was said.
    pub link: Option<Span>,
    /// The values of `--exclude`. Not expanded.
    pub excludes: Vec<Spanned<String>>,
    /// `--checksum`.
    pub checksum: Option<Word>,
    /// Where `--keep-git-dir` was said.
    pub keep_git_dir: Option<Span>,
    /// `--unpack`; when absent local archives are unpacked and downloaded ones are not.
    pub unpack: Option<Spanned<bool>>,
}
