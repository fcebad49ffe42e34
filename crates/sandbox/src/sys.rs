//! Every line of unsafe code of the project: system calls that rustix does not offer, or offers as
//! unsafe. Each function is one call whose conditions are checked here or held by a type.
#![expect(unsafe_code, reason = "the one module of the one crate that may hold it")]

pub(crate) mod seccomp;

use std::convert::Infallible;
use std::ffi::{CStr, CString, c_char};
use std::fs;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// How long a thread may be listed after it was joined. A scope ends when its closures have returned, and a join when the
/// kernel has cleared the thread's id (`CLONE_CHILD_CLEARTID`), both before the thread is gone; on a busy machine by a while.
const LINGERING: Duration = Duration::from_secs(1);

/// Evidence that this process has one thread. It cannot be sent to another thread; whoever holds it
/// starts none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SingleThreaded(PhantomData<*const ()>);

impl SingleThreaded {
    /// Counts the threads of this process; `None` if there are several.
    pub(crate) fn check() -> io::Result<Option<Self>> {
        let deadline = Instant::now() + LINGERING;
        while fs::read_dir("/proc/self/task")?.count() > 1 {
            if Instant::now() > deadline {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Some(Self(PhantomData)))
    }
}

/// Which side of a [`fork`] this is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The old one, and the new one's id.
    Parent(Pid),
}

/// Forks. Being single-threaded, the child may do all that the parent may.
pub(crate) fn fork(_: SingleThreaded) -> io::Result<Forked> {
    // SAFETY: fork is unsafe because locks held by other threads stay locked for ever in the child.
    // There are no other threads, as the argument shows.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(Pid::from_raw(pid).expect("fork returned a positive id"))),
    }
}

/// Moves this process into new name spaces.
pub(crate) fn unshare(_: SingleThreaded, flags: NameSpaces) -> io::Result<()> {
    // SAFETY: unshare is unsafe because of CLONE_FILES, which lets threads disagree on descriptors,
    // and `NameSpaces` cannot hold that flag.
    unsafe { rustix::thread::unshare_unsafe(flags.0) }.map_err(Into::into)
}

/// Gives this thread a working directory of its own, apart from the process's other threads.
pub(crate) fn unshare_directory() -> io::Result<()> {
    // SAFETY: CLONE_FS only splits working directory, root and umask; no memory safety rests on
    // threads agreeing about them.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FS) }.map_err(Into::into)
}

/// A set of name spaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameSpaces(UnshareFlags);

impl NameSpaces {
    pub(crate) const USER: Self = Self(UnshareFlags::NEWUSER);
    pub(crate) const MOUNT: Self = Self(UnshareFlags::NEWNS);
    pub(crate) const NETWORK: Self = Self(UnshareFlags::NEWNET);
    /// What every command has besides its mounts.
    pub(crate) const PROCESS: Self =
        Self(UnshareFlags::NEWPID.union(UnshareFlags::NEWIPC).union(UnshareFlags::NEWUTS));

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0.union(other.0))
    }
}

/// Replaces this process by a program; returns only to say why it could not.
///
/// Unlike `execvp` it never hands an unknown format to a shell.
pub(crate) fn execve(
    program: &CStr,
    arguments: &[CString],
    environment: &[CString],
) -> Result<Infallible, io::Error> {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: the three point to NUL-terminated strings and NULL-terminated arrays of such that
    // live until the call returns, which it only does when it has failed.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// Marks every descriptor from 3 on to be closed by the next [`execve`].
pub(crate) fn close_on_exec_from_3() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    // SAFETY: the call only sets a flag of descriptors; it closes none.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Adds attributes (`MOUNT_ATTR_*`) to a mount and all below it. Linux 5.12.
pub(crate) fn add_mount_attributes(mount: impl AsFd, attributes: u64) -> io::Result<()> {
    let change =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path is an empty C string and the size is that of the struct that lives beside it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const change,
            size_of_val(&change),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets every signal back to its default and lets all of them in.
pub(crate) fn reset_signals(_: SingleThreaded) {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: SIG_DFL is no handler, so nothing can run at a bad moment. KILL, STOP and the two
        // that libc keeps for itself answer EINVAL, which is right.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: both calls are given a set that lives on this stack and that the first one fills.
    unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}

/// Leaves the caller's session keyring for an empty one; kernels and filters without keyrings refuse
/// it, and then there is nothing to leave.
pub(crate) fn leave_keyring() {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: a null name asks for a new anonymous keyring; no other memory is involved.
    unsafe {
        libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<c_char>())
    };
}

/// Brings up the loopback device of a new network name space.
pub(crate) fn raise_loopback() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: ifreq is plain data for which zeros are valid.
    let mut request = unsafe { std::mem::zeroed::<libc::ifreq>() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = c_char::try_from(*from).expect("`lo` is ASCII");
    }
    request.ifr_ifru.ifru_flags =
        libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).expect("both are small");
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which lives beside the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
