//! Trying the rungs, each in a child.

use std::fs;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;

use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::probe::Refusal;
use crate::wire::{self, Doing, Failure, FailureKind, Reply, Report, Request, Trial};
use crate::{idmap, program, run};

/// `OVERLAYFS_SUPER_MAGIC` and `NFS_SUPER_MAGIC` of `linux/magic.h`.
const OVERLAY: rustix::fs::FsWord = 0x794c_7630;
const NFS: rustix::fs::FsWord = 0x6969;

/// A rung that was tried with success.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) reason: String,
    pub(crate) ids: Ids,
    pub(crate) way: Way,
}

/// How the rung is entered.
#[derive(Debug)]
pub(crate) enum Way {
    /// By joining the name spaces of the trial.
    Join(Attempt),
    /// It is where the process is.
    Stay,
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

/// Tries a rung for files that will lie at `files`.
pub(crate) fn attempt(isolation: Isolation, files: Option<&Path>) -> Result<Offer, Refusal> {
    match isolation {
        Isolation::Namespaces => {
            let offer = namespaces()?;
            files.map_or(Ok(()), upper_side)?;
            Ok(offer)
        }
        Isolation::Chroot => chroot(),
        Isolation::Traced | Isolation::None => {
            let reason = "this version does not have it yet".to_owned();
            Err(Refusal { isolation, reason, remedy: None })
        }
    }
}

fn refusal(isolation: Isolation, failure: &Failure, remedy: Option<String>) -> Refusal {
    let reason = format!("failed to {}: {}", failure.doing, failure.source());
    Refusal { isolation, reason, remedy }
}

/// Tells whether a directory can be the upper side of an overlay (kernel, `overlayfs.rst`, "Upper and Lower"): a container's own files
/// are an overlay mostly.
fn upper_side(files: &Path) -> Result<(), Refusal> {
    let there = files.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    // What cannot be looked at is found out by whoever uses it.
    let kind = match rustix::fs::statfs(there).map(|found| found.f_type) {
        Ok(OVERLAY) => "an overlay",
        Ok(NFS) => "NFS",
        _ => return Ok(()),
    };
    Err(Refusal {
        isolation: Isolation::Namespaces,
        reason: format!(
            "`{}` lies on {kind}, over which no overlay can be mounted",
            files.display()
        ),
        remedy: Some("keep the store on another file system, such as a volume".to_owned()),
    })
}

fn namespaces() -> Result<Offer, Refusal> {
    let root = rustix::process::geteuid().is_root();
    // Root may have the right to mount, or lack it and still be allowed a user namespace.
    let candidates: &[bool] = if root { &[false, true] } else { &[true] };
    let mut failures = Vec::new();
    for &user_namespace in candidates {
        match try_namespaces(user_namespace) {
            Ok((attempt, ids, maps)) => {
                let reason = reason(user_namespace, &ids, maps);
                return Ok(Offer { reason, ids, way: Way::Join(attempt) });
            }
            Err(failure) => failures.push(failure),
        }
    }
    // What an ordinary user is refused tells more than what root is.
    let failure = failures.pop().expect("there is a candidate");
    Err(refusal(Isolation::Namespaces, &failure, remedy(&failure)))
}

fn chroot() -> Result<Offer, Refusal> {
    let refuse = |failure: &Failure| {
        let root = rustix::process::geteuid().is_root();
        let remedy = if root {
            "give the container docker's default capabilities"
        } else {
            "run as root: with docker's default capabilities that is enough"
        };
        refusal(Isolation::Chroot, failure, Some(remedy.to_owned()))
    };
    let ids = try_chroot().map_err(|failure| refuse(&failure))?;
    let reason = "root may change its root directory and make device nodes here".to_owned();
    Ok(Offer { reason, ids, way: Way::Stay })
}

fn try_chroot() -> Result<Ids, Failure> {
    let doing = || "talk to the trial".to_owned();
    let (mut child, socket) = program::start_trial().doing(|| "start a process".to_owned())?;
    wire::send(&socket, &Request::ChrootTrial { parent: run::pid() }).doing(doing)?;
    let answer = wire::receive(&socket).doing(doing)?;
    child.wait().doing(doing)?;
    match answer {
        Some(Report::Ready) => {
            idmap::read(std::process::id()).doing(|| "read the user ids".to_owned())
        }
        Some(Report::Failed(failure)) => Err(failure),
        _ => Err(killed("try to change the root directory")),
    }
}

fn killed(doing: &str) -> Failure {
    let doing = format!("{doing}: the trial was killed");
    Failure { kind: FailureKind::Setup, doing, errno: libc::ECHILD }
}

fn reason(user_namespace: bool, ids: &Ids, maps: Option<String>) -> String {
    let reason = if user_namespace {
        format!("a user namespace with {ids} may mount here")
    } else {
        "root may mount here".to_owned()
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
            Some(Report::Exited(_)) | None => return Err(killed("try name spaces")),
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
