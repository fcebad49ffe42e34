//! Ending a command from another thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// A switch that ends every command it was given to, now and later; clones share it.
///
/// `Cancel::default()` is a switch that nobody holds.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    event: Option<Arc<OwnedFd>>,
    /// Those that switch this one, too.
    outer: Vec<Arc<OwnedFd>>,
}

impl Cancel {
    /// Returns a switch.
    ///
    /// # Errors
    ///
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event: Some(Arc::new(event)), outer: Vec::new() })
    }

    /// Returns a switch for a part of what this one ends: it ends that part alone, and this one ends all.
    ///
    /// # Errors
    ///
    /// When the process has no file descriptor left.
    pub fn part(&self) -> io::Result<Self> {
        let outer = self.event.iter().chain(&self.outer).cloned().collect();
        Ok(Self { outer, ..Self::new()? })
    }

    /// Ends the commands. Returns at once; each [`run`](crate::Sandbox::run) returns
    /// [`Cancelled`](crate::RunError::Cancelled) when its processes are gone. May be called from a
    /// signal handler's thread and more than once.
    pub fn cancel(&self) {
        if let Some(event) = &self.event {
            // Only a counter near 2^64 can refuse this, and then it has been switched already.
            let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
        }
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.event.iter().chain(&self.outer).map(|event| event.as_fd())
    }
}
