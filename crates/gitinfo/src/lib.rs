//! Which revision is this? A commit, its names and its tree, read without a git binary.
//!
//! - [`Repository`] opens a repository wherever it is: a clone, a shallow clone, a linked worktree, a bare directory, with
//!   SHA-1 or SHA-256, owned by us or by somebody else.
//! - [`Revision`] is a commit and what it is called. [`naming`] makes an image tag and labels of it.
//! - [`Tree`] is the files of a commit, read from git objects: no umask, stray file or other owner changes them.
//! - [`Worktree`] says what lies in the working directory and is *not* in the commit.
//!
//! Nothing here knows images, and nothing is ever written to a repository. A `.git` that belongs to another user is read
//! with reduced trust: data only, none of its configuration that could name a program.
//!
//! # Examples
//!
//! ```no_run
//! use notes_gitinfo::Repository;
//!
//! let repository = Repository::discover(".".as_ref())?;
//! let revision = repository.revision("HEAD")?;
//! println!("{} {}", revision.short, revision.subject);
//! for entry in repository.tree(&revision)?.walk("".as_ref())? {
//!     println!("{:?} {}", entry.kind, entry.path.display());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod naming;

mod lfs;
mod remote;
mod repository;
mod revision;
mod tree;
mod worktree;

pub use remote::Remote;
pub use repository::{Configuration, OpenError, Repository, Trust};
pub use revision::{Id, Person, Revision, RevisionError, SHORT_LENGTH};
pub use tree::{Entry, Kind, Tree, TreeError};
pub use worktree::{Changes, StatusError, Worktree};
