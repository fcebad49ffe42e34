//! Why files cannot be added to an image.

use std::{io, path::PathBuf};

use notes_dockerfile::IgnoreError;

/// The error returned when files are added to an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A source names nothing.
    #[error("`{pattern}` matches no file in the build context")]
    NoMatch {
        /// The source as written.
        pattern: String,
        /// The line of the ignore file that hides it, if one does.
        ignored_by: Option<usize>,
    },
    /// A source names nothing in a stage or an image.
    #[error("`{pattern}` matches no file in `{origin}`")]
    NoMatchIn {
        /// The source as written.
        pattern: String,
        /// The value of `--from`.
        origin: String,
    },
    /// A source is a malformed pattern.
    #[error("`{pattern}` is a malformed pattern")]
    Pattern {
        /// The source as written.
        pattern: String,
    },
    /// A pattern of `--exclude` is malformed.
    #[error("a pattern of `--exclude` is malformed")]
    Exclude {
        /// Why.
        source: IgnoreError,
    },
    /// Several sources go where there is no directory.
    #[error("several files cannot become the one file `{destination}`")]
    SeveralSources {
        /// The destination as written.
        destination: String,
    },
    /// A downloaded file has no name and goes into a directory.
    #[error("the URL `{url}` names no file")]
    Nameless {
        /// The URL.
        url: String,
    },
    /// A file is in the way of a directory that must exist.
    #[error("`/{}` is not a directory", path.display())]
    NotADirectory {
        /// The path in the image.
        path: PathBuf,
    },
    /// A directory would replace a file.
    #[error("the directory `/{}` cannot replace a file", path.display())]
    DirectoryOverFile {
        /// The path in the image.
        path: PathBuf,
    },
    /// A file would replace a directory.
    #[error("the file `/{}` cannot replace a directory", path.display())]
    FileOverDirectory {
        /// The path in the image.
        path: PathBuf,
    },
    /// An entry could not be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The entry.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An archive could not be unpacked.
    #[error("failed to unpack `{}`", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        source: crate::unpack::Error,
    },
    /// The layer could not be written.
    #[error("failed to write the layer")]
    Write {
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMatch { ignored_by: Some(line), .. } => {
                Some(format!("line {line} of the ignore file excludes it"))
            }
            Self::NoMatch { .. } => Some(
                "sources are relative to the root of the context, and only committed files are in it"
                    .into(),
            ),
            Self::SeveralSources { destination } => {
                Some(format!("write `{destination}/` for a directory"))
            }
            Self::Nameless { .. } => {
                Some("give the file a name: a destination that does not end in `/`".into())
            }
            Self::Exclude { source } => source.hint(),
            _ => None,
        }
    }
}
