//! The port behind which the rungs of the ladder are.
//!
//! A rung decides three things: how a command gets a root file system that it may write to, how it
//! is confined to it, and how what it changed is found. What all of them share is around it: the
//! checks before ([`run`](crate::run)), the child and its end ([`follow`](crate::follow)), and the
//! form of the result: [`Root::upper`](crate::Root::upper), from which the same layer is made
//! whichever rung filled it.
//!
//! | rung | root file system | confined by | changes |
//! |---|---|---|---|
//! | [`namespaces`](crate::namespaces) | an overlay mount | a mount name space | the overlay's upper directory |
//! | [`chroot`](crate::chroot) | a private copy ([`private`](crate::private)) | `chroot(2)` | an index of change times |
//!
//! A rung without any rights would take its files and changes from [`private`](crate::private) as
//! well, and differ in the child alone: a tracer that rewrites paths and ids.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::command::Command;
use crate::output::{Exit, Output};
use crate::run::RunError;
use crate::view::{View, ViewError};

/// Runs commands on one rung of the ladder.
pub(crate) trait Rung: Debug + Send + Sync {
    /// Runs a command to its end and leaves what it changed in the upper directory of its root.
    fn run(
        &self,
        command: &Command,
        output: &mut dyn Output,
        cancel: &Cancel,
    ) -> Result<Exit, RunError>;

    /// Shows merged layers, where the rung can without copying them.
    fn view(&self, layers: &[PathBuf], at: &Path) -> Result<View, ViewError>;
}
