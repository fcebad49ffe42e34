//! Filters before system calls (`seccomp(2)`), and answering calls in place of the kernel (`seccomp_unotify(2)`).

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use super::SingleThreaded;

/// A call that waits for its answer.
#[derive(Debug)]
pub(crate) struct Call {
    id: u64,
    /// The thread, in the process id name space of who receives the call.
    pub(crate) thread: u32,
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 6],
}

/// What a call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The kernel carries it out.
    Continue,
    /// It is done, and returns this.
    Value(u32),
    /// It fails with this error number.
    Error(i32),
}

/// In which form a file is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `struct stat`.
    Stat,
    /// `struct statx`, with the flags and the mask of the call.
    Extended { flags: i32, mask: u32 },
}

/// Has the calls that `filter` chooses, of this process and all that it becomes or starts, wait for an answer at the returned
/// descriptor. Needs `CAP_SYS_ADMIN` in its user name space.
pub(crate) fn listen(_: SingleThreaded, filter: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let listener = set_filter(filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)?;
    // SAFETY: the call returned a descriptor that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// Puts `filter` before the system calls of this thread and of all that it starts.
pub(crate) fn filter_calls(filter: &[libc::sock_filter]) -> io::Result<()> {
    set_filter(filter, 0).map(drop)
}

/// Returns what the call returns: with `SECCOMP_FILTER_FLAG_NEW_LISTENER` a descriptor.
fn set_filter(filter: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<i32> {
    let len = u16::try_from(filter.len()).expect("filters are short");
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel reads `len` instructions, which live until the call returns, and writes none.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes a call; `None` where the one that was there has ended meanwhile.
pub(crate) fn receive(listener: impl AsFd) -> io::Result<Option<Call>> {
    // SAFETY: the struct is plain data, and the kernel wants zeros.
    let mut call = unsafe { mem::zeroed::<libc::seccomp_notif>() };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel writes one such struct, which lives beside the call.
    let result = unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
    if result == 0 {
        let libc::seccomp_notif { id, pid, data, .. } = call;
        return Ok(Some(Call { id, thread: pid, number: data.nr.into(), arguments: data.args }));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::EINTR) => Ok(None),
        _ => Err(error),
    }
}

/// Answers a call, if it still waits.
pub(crate) fn answer(listener: impl AsFd, call: &Call, answer: Answer) {
    let continued = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
    let (val, error, flags) = match answer {
        Answer::Continue => (0, 0, continued),
        Answer::Value(value) => (i64::from(value), 0, 0),
        Answer::Error(number) => (0, -number, 0),
    };
    let response = libc::seccomp_notif_resp { id: call.id, val, error, flags };
    let listener = listener.as_fd().as_raw_fd();
    // SAFETY: the kernel reads one such struct, which lives beside the call. A thread that was killed needs no answer.
    unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const response) };
}

/// Describes a file as the kernel does, with another owner.
pub(crate) fn described(
    file: impl AsFd,
    (user, group): (u32, u32),
    form: Form,
) -> io::Result<Vec<u8>> {
    let file = file.as_fd().as_raw_fd();
    match form {
        Form::Stat => {
            // SAFETY: the struct is plain data, for which zeros are valid.
            let mut stat = unsafe { mem::zeroed::<libc::stat>() };
            // SAFETY: the path is an empty C string, and the kernel writes one such struct, which lives beside the call.
            let result =
                unsafe { libc::fstatat(file, c"".as_ptr(), &raw mut stat, libc::AT_EMPTY_PATH) };
            (stat.st_uid, stat.st_gid) = (user, group);
            // SAFETY: every byte of it is set, by the zeros at least.
            if result == 0 { Ok(unsafe { bytes(&stat) }) } else { Err(io::Error::last_os_error()) }
        }
        Form::Extended { flags, mask } => {
            let flags = flags | libc::AT_EMPTY_PATH;
            // SAFETY: the struct is plain data, for which zeros are valid.
            let mut stat = unsafe { mem::zeroed::<libc::statx>() };
            // SAFETY: the path is an empty C string, and the kernel writes one such struct, which lives beside the call.
            let result = unsafe { libc::statx(file, c"".as_ptr(), flags, mask, &raw mut stat) };
            (stat.stx_uid, stat.stx_gid) = (user, group);
            // SAFETY: every byte of it is set, by the zeros at least.
            if result == 0 { Ok(unsafe { bytes(&stat) }) } else { Err(io::Error::last_os_error()) }
        }
    }
}

/// Returns the bytes of a value.
///
/// # Safety
///
/// The value is plain data, and none of its bytes is left unset.
unsafe fn bytes<T>(value: &T) -> Vec<u8> {
    // SAFETY: the pointer and the length are those of the value, and the caller vouches for its bytes.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast::<u8>(), size_of::<T>()) }
        .to_vec()
}
