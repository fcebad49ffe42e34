//! Which revision is this? A commit, its names and its tree, read without a git binary.
//!
//! - [`Repository`] opens a repository wherever it is: a clone, a shallow clone, a linked worktree, a bare directory, with
//!   SHA-1 or SHA-256, owned by us or by somebody else.
//! - [`Revision`] is a commit and what it is called. [`naming`] makes an image tag and labels of it.
//! - [`Tree`] is the files of a commit, read from git objects: no umask, stray file or other owner changes them.
//! - [`Worktree`] says what lies in the working directory and is *not* in the commit.
//! - [`Upstream`] is a repository on a server: what a branch or a tag stands for, and one commit of it without history,
//!   fetched into a directory of its own. It speaks git's own protocol with gix; HTTP goes through the port [`Web`].
//!
//! Nothing here knows images, and nothing is ever written to a repository that is there. A `.git` that belongs to another user is read
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

mod checkout;
mod large;
mod lfs;
mod remote;
mod repository;
mod revision;
mod skeleton;
mod submodules;
mod tree;
mod upstream;
mod worktree;

pub use checkout::CheckoutError;
pub use remote::Remote;
pub use repository::{Configuration, OpenError, Repository, Trust};
pub use revision::{Id, IdError, Person, Revision, RevisionError, SHORT_LENGTH};
pub use submodules::{Submodule, SubmoduleError};
pub use tree::{Entry, Kind, LargeFiles, Tree, TreeError};
pub use upstream::{Answer, Credential, Request, Tip, Upstream, UpstreamError, Web, WebError};
pub use worktree::{Changes, StatusError, Worktree};
