//! Git repositories: the port through which `ADD` gets the files of one.

use std::{
    fmt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use notes_sandbox::Secret;

use super::FetchError;
use crate::tree::Tree;

/// What a method of [`Repositories`] returns.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, FetchError>> + Send + 'a>>;

/// Reads git repositories on servers. Implemented by whoever has a network and knows git: this crate has and does neither.
pub trait Repositories: Send + Sync {
    /// Returns what `name`, a branch, a tag or what follows `refs/`, stands for now, or the default branch; `None` where the
    /// repository has nothing of that name. No file is fetched.
    fn resolve<'a>(&'a self, place: &'a Place, name: Option<&'a str>) -> Asked<'a, Option<Tip>>;

    /// Fetches the files of a commit. `into` is an empty directory that stays until the files are read.
    fn check_out<'a>(&'a self, checkout: &'a Checkout, into: &'a Path) -> Asked<'a, CheckedOut>;
}

/// Where a repository is, and what its server is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The address.
    pub address: String,
    /// What lets a reader in, where it is not in the address.
    pub authorization: Option<Authorization>,
}

/// What a server is shown to let a reader in. `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub enum Authorization {
    /// A token.
    Token(Secret),
    /// The value of the header `Authorization`.
    Header(Secret),
}

/// What a name of a repository stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The id of the commit.
    pub commit: String,
    /// The id of the tag object on the way to it, where the name is an annotated tag.
    pub tag: Option<String>,
    /// The whole name, such as `refs/heads/main`, where it has one.
    pub reference: Option<String>,
}

impl Tip {
    /// Returns a commit that was asked for by its id.
    pub fn of_commit(commit: impl Into<String>) -> Self {
        Self { commit: commit.into(), tag: None, reference: None }
    }
}

/// Which files of a repository are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// Where the repository is.
    pub place: Place,
    /// The commit.
    pub tip: Tip,
    /// The directory whose contents are meant; empty for all of them.
    pub directory: PathBuf,
    /// Whether the files of submodules belong to them.
    pub submodules: Submodules,
    /// Whether `.git` belongs to them.
    pub git_directory: GitDirectory,
}

/// Whether the files of submodules are fetched, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Submodules {
    /// They are, and those of their submodules.
    #[default]
    Fetch,
    /// Their directories stay empty.
    Leave,
}

/// Whether there is a `.git` beside the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GitDirectory {
    /// There is none.
    #[default]
    Drop,
    /// There is one that git can use.
    Keep,
}

/// The files of a commit.
#[derive(Clone)]
pub struct CheckedOut {
    /// The files, as the directory that was asked for has them.
    pub tree: Arc<dyn Tree>,
    /// When they were committed, in seconds since 1970.
    pub time: i64,
}

impl fmt::Debug for CheckedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedOut").field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(…)")
    }
}
