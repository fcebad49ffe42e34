//! Moving the process onto its rung.

use std::io;
use std::path::PathBuf;

use crate::chroot::Chroot;
use crate::init;
use crate::isolation::Isolation;
use crate::namespaces::Namespaces;
use crate::probe::{self, Probe, Refusal};
use crate::program::Program;
use crate::rung::Rung;
use crate::sandbox::Sandbox;
use crate::sys::SingleThreaded;
use crate::trials::{Attempt, Way};

/// How [`enter`] and [`probe`](crate::probe) choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The only rung that will do; by default the best one is taken.
    pub isolation: Option<Isolation>,
    /// Where the files of commands will lie, there already or not: a rung that cannot use the file system is not offered.
    pub files: Option<PathBuf>,
}

impl Options {
    /// Returns the rungs to try, the best first.
    pub(crate) fn ladder(&self) -> Vec<Isolation> {
        self.isolation.map_or(Isolation::LADDER.to_vec(), |wanted| vec![wanted])
    }
}

/// The error returned when the process cannot enter a rung.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnterError {
    /// [`init`](crate::init) was not called, so that no child of this program would be one.
    #[error("`notes_sandbox::init` was not called")]
    NotInitialised,
    /// Threads exist already, and a process with threads cannot change its user namespace.
    #[error("the process has several threads")]
    Threads,
    /// The rung that was asked for is not offered.
    #[error("isolation `{isolation}` is not offered here: {reason}")]
    NotOffered {
        /// The rung.
        isolation: Isolation,
        /// Why not.
        reason: String,
        /// What would allow it, where that is known.
        remedy: Option<String>,
    },
    /// The rung was tried with success, and then could not be entered.
    #[error("failed to {doing}")]
    Join {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl EnterError {
    /// Returns what to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotInitialised => "call it in the first line of `main`",
            Self::Threads => "call `notes_sandbox::enter` before any thread or runtime is started",
            Self::NotOffered { remedy, .. } => return remedy.clone(),
            Self::Join { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Finds the best rung by trying and moves the whole process onto it.
///
/// On [`Isolation::Namespaces`] the process has a mount namespace of its own afterwards, and where it
/// is not root with the right to mount, a user namespace in which it is: files it owns then belong to
/// uid 0, and ids of its subordinate ranges can be given to files. On [`Isolation::Chroot`] the
/// process stays as it is, and so it does where nothing is offered: the returned sandbox refuses to
/// run commands then.
///
/// # Errors
///
/// When the program is not prepared for it, or does not get the rung it insists on.
pub fn enter(options: &Options) -> Result<Sandbox, EnterError> {
    if !init::was_called() {
        return Err(EnterError::NotInitialised);
    }
    let join = |doing: &str| {
        let doing = doing.to_owned();
        move |source| EnterError::Join { doing, source }
    };
    let alone =
        SingleThreaded::check().map_err(join("count the threads"))?.ok_or(EnterError::Threads)?;
    if options.isolation == Some(Isolation::None) {
        let reason = "it was asked for".to_owned();
        let probe = Probe { reason, ..Probe::nothing(Vec::new()) };
        return Ok(Sandbox::new(probe, None));
    }
    let (probe, way) = probe::climb(options);
    if let Some(wanted) = options.isolation.filter(|wanted| *wanted != probe.isolation) {
        return Err(not_offered(wanted, probe));
    }
    let ids = probe.ids.clone();
    let opened = join("open this program");
    let rung: Option<Box<dyn Rung>> = match way {
        Some(Way::Join(attempt)) => {
            attempt.join(alone).map_err(join("join the name spaces"))?;
            Some(Box::new(Namespaces { program: Program::open().map_err(opened)?, ids }))
        }
        Some(Way::Stay) => Some(Box::new(Chroot::new(Program::itself().map_err(opened)?, ids))),
        None => None,
    };
    Ok(Sandbox::new(probe, rung))
}

fn not_offered(wanted: Isolation, probe: Probe) -> EnterError {
    let refusal = probe.refused.into_iter().find(|refusal| refusal.isolation == wanted);
    let refusal = refusal.expect("what was tried alone is offered or refused");
    let Refusal { isolation, reason, remedy } = refusal;
    EnterError::NotOffered { isolation, reason, remedy }
}

impl Attempt {
    /// Moves this process into the name spaces of the trial.
    fn join(self, _: SingleThreaded) -> io::Result<()> {
        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space as move_into};
        use std::fs::File;
        use std::os::fd::AsFd;
        let directory = std::env::current_dir()?;
        let space = |name: &str| File::open(format!("/proc/{}/ns/{name}", self.child.id()));
        let user = if self.user_namespace { Some(space("user")?) } else { None };
        let mount = space("mnt")?;
        if let Some(user) = user {
            move_into(user.as_fd(), Some(LinkNameSpaceType::User))?;
        }
        move_into(mount.as_fd(), Some(LinkNameSpaceType::Mount))?;
        // Joining moves the process to the root directory.
        std::env::set_current_dir(directory)
    }
}
