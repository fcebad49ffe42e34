//! The handle that [`enter`](crate::enter) returns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::command::Command;
use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::output::{Exit, Output};
use crate::probe::Probe;
use crate::run::RunError;
use crate::rung::Rung;
use crate::view::{View, ViewError};

/// Proof that the process has entered its rung, and the way to run commands on it. Cheap to clone,
/// and usable from any thread.
#[derive(Debug, Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    probe: Probe,
    /// `None` where no command can run.
    rung: Option<Box<dyn Rung>>,
}

impl Sandbox {
    pub(crate) fn new(probe: Probe, rung: Option<Box<dyn Rung>>) -> Self {
        Self { inner: Arc::new(Inner { probe, rung }) }
    }

    /// Returns the rung.
    pub fn isolation(&self) -> Isolation {
        self.inner.probe.isolation
    }

    /// Returns what was tried and how it went.
    pub fn probe(&self) -> &Probe {
        &self.inner.probe
    }

    /// Returns the user ids that files and commands can have.
    pub fn ids(&self) -> &Ids {
        &self.inner.probe.ids
    }

    /// Runs a command to its end, blocking this thread, and hands over what it writes as it comes.
    ///
    /// A command that fails is an `Ok` with its [`Exit`]. When this returns, in any way, no process
    /// of the command is left.
    ///
    /// # Errors
    ///
    /// When the command cannot be started, is cancelled, or runs out of time.
    pub fn run(
        &self,
        command: &Command,
        output: &mut dyn Output,
        cancel: &Cancel,
    ) -> Result<Exit, RunError> {
        match &self.inner.rung {
            Some(rung) => rung.run(command, output, cancel),
            None => Err(RunError::NotOffered {
                isolation: self.isolation(),
                reason: self.inner.probe.reason.clone(),
                remedy: self.inner.probe.remedy(),
            }),
        }
    }

    /// Shows the merged files of layers (the bottom one first), read-only, until the view is
    /// dropped. `at` is an empty directory of the caller's. Nobody but this process and its children
    /// sees the mount.
    ///
    /// # Errors
    ///
    /// [`ViewError::NotOffered`] when the rung has no mounts: the caller copies what it needs then.
    /// Otherwise when the kernel refuses this one.
    pub fn view(&self, layers: &[PathBuf], at: &Path) -> Result<View, ViewError> {
        match &self.inner.rung {
            Some(rung) => rung.view(layers, at),
            None => Err(ViewError::NotOffered { isolation: self.isolation() }),
        }
    }
}
