//! Which cluster, and as whom: every form in which pipelines hand a kubeconfig over.

mod decode;
mod load;

pub use self::load::{Access, load};

use std::{fmt, path::PathBuf};

/// Where a kubeconfig may come from, in the order in which they win. Values only; [`Sources::from_env`] fills them.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file named on the command line.
    pub flag: Option<PathBuf>,
    /// The value of `KUBECONFIG`: a path, a list of paths, YAML, JSON, or base64 of those two.
    pub variable: Option<String>,
    /// The context wanted; otherwise the current one, or the only one.
    pub context: Option<String>,
    /// `~/.kube/config`, where the home directory is known.
    pub default_file: Option<PathBuf>,
    /// Whether a pod's service account is at hand.
    pub service_account: ServiceAccount,
}

/// Whether this process runs in a pod with a service account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceAccount {
    /// It does.
    Present,
    /// It does not.
    #[default]
    Absent,
}

impl Sources {
    /// Reads `KUBECONFIG`, `KUBE_CONTEXT`, `HOME` and `KUBERNETES_SERVICE_HOST`.
    pub fn from_env() -> Self {
        let text = |name| std::env::var(name).ok();
        Self {
            flag: None,
            variable: text("KUBECONFIG"),
            context: text("KUBE_CONTEXT").filter(|name| !name.is_empty()),
            default_file: std::env::home_dir().map(|home| home.join(".kube/config")),
            service_account: match text("KUBERNETES_SERVICE_HOST") {
                Some(_) => ServiceAccount::Present,
                None => ServiceAccount::Absent,
            },
        }
    }
}

/// In which form the kubeconfig was found. Says nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// One file or several, from the flag, the variable or the home directory.
    Files(Vec<PathBuf>),
    /// The text itself, in the variable.
    Text,
    /// Base64 of the text, in the variable; decoded in memory, never written to disk.
    Base64,
    /// A pod's service account.
    ServiceAccount,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "file {}", paths.join(", "))
            }
            Self::Text => f.write_str("the text in KUBECONFIG"),
            Self::Base64 => f.write_str("the base64 text in KUBECONFIG"),
            Self::ServiceAccount => f.write_str("the pod's service account"),
        }
    }
}

/// The error returned when no cluster can be chosen. Never shows a part of the content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing names a cluster.
    #[error("no cluster is configured: `KUBECONFIG` is not set and there is no `~/.kube/config`")]
    NotFound,
    /// The variable is set and empty.
    #[error("`KUBECONFIG` is empty")]
    Empty,
    /// The variable holds the name of a variable.
    #[error("`KUBECONFIG` holds the text of a variable that was not expanded")]
    Unexpanded,
    /// The variable is base64 of a path.
    #[error("`KUBECONFIG` is base64 of a path, not of a kubeconfig")]
    Base64OfPath,
    /// The variable is none of the known forms.
    #[error("`KUBECONFIG` is neither a path, nor YAML, nor base64 of it")]
    Unrecognized,
    /// A file named is not there.
    #[error("the kubeconfig file `{}` does not exist", path.display())]
    MissingFile {
        /// The path.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("failed to read the kubeconfig file `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The text is not a kubeconfig. The parser's message is left out: it may quote a secret.
    #[error("the kubeconfig from {form} cannot be read: line {line} is not as expected")]
    Malformed {
        /// Where it was found.
        form: Form,
        /// The line, counted from one.
        line: u64,
    },
    /// No context is current and there are none or several.
    #[error("the kubeconfig from {form} has no current context")]
    NoContext {
        /// Where it was found.
        form: Form,
        /// The names to choose from.
        names: Vec<String>,
    },
    /// The context wanted is not there.
    #[error("the kubeconfig from {form} has no context `{context}`")]
    UnknownContext {
        /// Where it was found.
        form: Form,
        /// The name wanted.
        context: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// The context does not lead to a usable cluster.
    #[error("the context `{context}` cannot be used")]
    Unusable {
        /// The context.
        context: String,
        /// Why not.
        source: Box<kube::config::KubeconfigError>,
    },
    /// The service account of the pod cannot be read.
    #[error("the pod's service account cannot be used")]
    ServiceAccount {
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound => "set `KUBECONFIG` to a path, to the YAML, or to base64 of it; a protected variable is \
                               only there on protected branches"
                .into(),
            Self::Empty => "a variable of another environment, or of a protected branch, arrives empty".into(),
            Self::Unexpanded => "is the variable it refers to defined for this branch and environment?".into(),
            Self::Base64OfPath => "encode the file, not its name: `base64 -w0 < ~/.kube/config`".into(),
            Self::Unrecognized => "make it with `base64 -w0 < ~/.kube/config`".into(),
            Self::NoContext { names, .. } | Self::UnknownContext { names, .. } if !names.is_empty() => {
                format!("choose one with `--context` or `KUBE_CONTEXT`: {}", names.join(", "))
            }
            Self::Malformed { .. } => "was the whole file copied, with its line breaks?".into(),
            _ => return None,
        })
    }
}
