//! Opening a repository.

use std::path::{Path, PathBuf};

use gix::{
    ThreadSafeRepository,
    open::{Options, Permissions},
    sec::{self, Permission},
};

/// A repository. Cheap to clone and to send to another thread.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(crate) inner: ThreadSafeRepository,
}

/// Which git configuration counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Configuration {
    /// The repository's own, so that the same repository means the same on every machine.
    #[default]
    Repository,
    /// The user's and the system's as well, found through the environment and the home directory: what they exclude
    /// everywhere is then not called untracked.
    User,
}

/// Whether the repository belongs to the user who runs us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It does, or its directory is listed as safe.
    Full,
    /// It belongs to somebody else: its data is read, its configuration is not obeyed.
    Reduced,
}

/// The error returned when a repository cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is none.
    #[error("`{}` is not in a git repository", path.display())]
    NotFound {
        /// Where the search began.
        path: PathBuf,
    },
    /// There is one, but it cannot be read.
    #[error("failed to open the git repository at `{}`", path.display())]
    Open {
        /// Where the search began.
        path: PathBuf,
        /// Why.
        source: Box<gix::Error>,
    },
}

impl OpenError {
    /// Returns what may be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => {
                Some("run it inside a clone, or `git init` and commit first".into())
            }
            Self::Open { .. } => None,
        }
    }
}

impl Repository {
    /// Opens the repository that contains `directory`, searching upwards, with its own configuration alone.
    pub fn discover(directory: &Path) -> Result<Self, OpenError> {
        Self::discover_with(directory, Configuration::Repository)
    }

    /// Opens the repository that contains `directory`, searching upwards.
    ///
    /// The environment's `GIT_DIR` and its like are not consulted: a hook that starts a build means the files before it.
    pub fn discover_with(
        directory: &Path,
        configuration: Configuration,
    ) -> Result<Self, OpenError> {
        let permissions = configuration.permissions();
        let mapping = sec::trust::Mapping {
            full: Options::default().permissions(permissions),
            reduced: Options::default().permissions(permissions).with(sec::Trust::Reduced),
        };
        let search = gix::discover::upwards::Options::default();
        ThreadSafeRepository::discover_opts(directory, search, mapping)
            .map(|inner| Self { inner })
            .map_err(|error| OpenError::classify(directory, error))
    }

    /// Opens the repository at `path` itself: a working directory, a `.git` or a bare directory.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Options::default()
            .permissions(Configuration::Repository.permissions())
            .open(path)
            .map(|inner| Self { inner })
            .map_err(|error| OpenError::classify(path, error))
    }

    /// Returns the working directory, or `None` in a bare repository.
    pub fn root(&self) -> Option<&Path> {
        self.inner.work_tree.as_deref()
    }

    /// Tells whether the repository belongs to us.
    pub fn trust(&self) -> Trust {
        match self.local().git_dir_trust() {
            sec::Trust::Full => Trust::Full,
            sec::Trust::Reduced => Trust::Reduced,
        }
    }

    /// Tells whether history was cut off when this was cloned, as CI systems do.
    pub fn is_shallow(&self) -> bool {
        // A `shallow` file that cannot be read cuts nothing off that we would walk into.
        self.local().is_shallow().unwrap_or(false)
    }

    /// Returns the handle of this thread, which has its caches.
    pub(crate) fn local(&self) -> gix::Repository {
        self.inner.to_thread_local()
    }
}

impl Configuration {
    fn permissions(self) -> Permissions {
        let mut permissions = Permissions::isolated();
        if self == Self::User {
            permissions.config =
                gix::open::permissions::Config { git_binary: false, ..Default::default() };
            permissions.attributes = gix::open::permissions::Attributes::all();
            permissions.env.home = Permission::Allow;
            permissions.env.xdg_config_home = Permission::Allow;
        }
        permissions
    }
}

impl OpenError {
    fn classify(path: &Path, error: gix::Error) -> Self {
        if error.is_not_found() {
            Self::NotFound { path: path.into() }
        } else {
            Self::Open { path: path.into(), source: error.into() }
        }
    }
}
