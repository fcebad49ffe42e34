//! Which rung this machine offers, found by trying.

use std::fs;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Child;

use crate::enter::EnterError;
use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::wire::{self, Doing, Failure, FailureKind, Reply, Report, Request, Trial};
use crate::{idmap, init, program, run};

/// What a machine offers: the answer of [`probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The best rung that was tried with success.
    pub isolation: Isolation,
    /// Why it is this one, in words for a person.
    pub reason: String,
    /// The user ids there would be.
    pub ids: Ids,
    /// Every better rung, best first, and why it is not offered.
    pub refused: Vec<Refusal>,
}

/// Why a rung is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rung.
    pub isolation: Isolation,
    /// The attempt that failed, and how.
    pub reason: String,
    /// What would allow it, where that is known.
    pub remedy: Option<String>,
}

pub(crate) const NOT_IN_THIS_VERSION: &str = "this version does not have it yet";

impl Probe {
    /// A machine that offers nothing.
    pub(crate) fn nothing(refused: Vec<Refusal>) -> Self {
        let reason = refused.first().map_or_else(String::new, |first| first.reason.clone());
        Self { isolation: Isolation::None, reason, ids: Ids::Single, refused }
    }
}

/// Finds the best rung this machine offers, by trying it in a child; nothing changes for this
/// process.
///
/// # Errors
///
/// [`EnterError::NotInitialised`] when the program does not call [`init`](crate::init).
pub fn probe() -> Result<Probe, EnterError> {
    if !init::was_called() {
        return Err(EnterError::NotInitialised);
    }
    Ok(attempt().0)
}

/// A trial that succeeded and waits to be joined; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) child: Child,
    pub(crate) user_namespace: bool,
    socket: UnixStream,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.child.wait();
    }
}

/// Climbs down the ladder until something works.
pub(crate) fn attempt() -> (Probe, Option<Attempt>) {
    let root = rustix::process::geteuid().is_root();
    // Root may have the right to mount, or lack it and still be allowed a user namespace.
    let candidates: &[bool] = if root { &[false, true] } else { &[true] };
    let mut failures = Vec::new();
    for &user_namespace in candidates {
        match try_namespaces(user_namespace) {
            Ok((attempt, ids, maps)) => {
                let reason = reason(user_namespace, &ids, maps);
                let isolation = Isolation::Namespaces;
                let probe = Probe { isolation, reason, ids, refused: Vec::new() };
                return (probe, Some(attempt));
            }
            Err(failure) => failures.push(failure),
        }
    }
    // What an ordinary user is refused tells more than what root is.
    let failure = failures.pop().expect("there is a candidate");
    let mut refused = vec![Refusal {
        isolation: Isolation::Namespaces,
        reason: format!("failed to {}: {}", failure.doing, failure.source()),
        remedy: remedy(&failure),
    }];
    refused.extend([Isolation::Chroot, Isolation::Traced].map(|isolation| Refusal {
        isolation,
        reason: NOT_IN_THIS_VERSION.to_owned(),
        remedy: None,
    }));
    (Probe::nothing(refused), None)
}

fn reason(user_namespace: bool, ids: &Ids, maps: Option<String>) -> String {
    let reason = match (user_namespace, ids) {
        (false, _) => "root may mount here".to_owned(),
        (true, ids) => format!("a user namespace with {ids} may mount here"),
    };
    match maps {
        Some(limit) => format!("{reason} ({limit})"),
        None => reason,
    }
}

type Tried = (Attempt, Ids, Option<String>);

fn try_namespaces(user_namespace: bool) -> Result<Tried, Failure> {
    let doing = || "talk to the trial".to_owned();
    let (child, socket) = program::start_trial().doing(|| "start a process".to_owned())?;
    let attempt = Attempt { child, user_namespace, socket };
    let trial = Trial { user_namespace, parent: run::pid() };
    wire::send(&attempt.socket, &Request::Trial(trial)).doing(doing)?;
    let mut limit = None;
    loop {
        match wire::receive(&attempt.socket).doing(doing)? {
            Some(Report::Unshared) => {
                limit = idmap::write(attempt.child.id())?;
                wire::send(&attempt.socket, &Reply::Mapped).doing(doing)?;
            }
            Some(Report::Ready) => {
                let ids = idmap::read(attempt.child.id()).doing(doing)?;
                return Ok((attempt, ids, limit));
            }
            Some(Report::Failed(failure)) => return Err(failure),
            Some(Report::Exited(_)) | None => {
                let doing = "try name spaces: the trial was killed".to_owned();
                return Err(Failure { kind: FailureKind::Setup, doing, errno: libc::ECHILD });
            }
        }
    }
}

/// Looks for the setting behind a refusal; each is a documented reason for exactly this.
fn remedy(failure: &Failure) -> Option<String> {
    let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let is = |path: &str, value: &str| read(path).as_deref() == Some(value);
    let remedy = if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces (Ubuntu 24.04): set the sysctl \
         kernel.apparmor_restrict_unprivileged_userns=0, or give the program a profile with `userns,`"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "set the sysctl kernel.unprivileged_userns_clone=1"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "set the sysctl user.max_user_namespaces to some thousand"
    } else if failure.errno == libc::EPERM && is_filtered(&read("/proc/self/status")?) {
        "this is a container that filters system calls: run it with \
         `--security-opt seccomp=unconfined` (docker) or `seccompProfile: Unconfined` (Kubernetes)"
    } else if failure.errno == libc::ENOSYS || failure.errno == libc::ENODEV {
        "Linux 5.12 or later with overlayfs is needed"
    } else {
        return None;
    };
    Some(remedy.to_owned())
}

/// Says whether a seccomp filter is in force (`proc_pid_status(5)`).
fn is_filtered(status: &str) -> bool {
    status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"))
}
