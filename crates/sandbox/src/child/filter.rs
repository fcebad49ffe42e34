//! The system calls that a command is refused.
//!
//! They are the ones that docker's default profile lets through only with a capability that no command has here
//! (<https://github.com/moby/profiles/blob/main/seccomp/default.json>): a way to the kernel's less travelled parts and to
//! name spaces in which a command would be root again. Builders on docker refuse the same calls, so nothing that builds there misses them.
//!
//! The list names what is refused, not what is allowed: a call newer than this list is the kernel's to judge. Calls of a second
//! architecture (32-bit programs) are not looked at. `no_new_privs` stays unset, because `sudo` and `su` need it so; without it a filter asks
//! for `CAP_SYS_ADMIN`, which only commands in name spaces have at that moment. In a container its own filter is in force.

use std::io;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, c_int, c_long, seccomp_data, sock_filter,
};

use crate::sys::seccomp;

const REFUSED: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// What makes `clone` one that makes name spaces. `CLONE_NEWTIME` is not among its flags.
const NAME_SPACES: c_int = libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS;

/// `AUDIT_ARCH_*` of audit(7)'s header: 64 bits, little endian, and the ELF machine.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: u32 = 0xc000_00b7;
/// Where numbers of the x32 interface begin; a kernel of any other architecture has none as large.
const X32: u32 = 0x4000_0000;

/// Refuses the calls to this process and all that come from it, for ever, where it may.
pub(crate) fn install() -> io::Result<()> {
    match seccomp::filter_calls(&program()) {
        // seccomp(2): neither `CAP_SYS_ADMIN` nor `no_new_privs`.
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(()),
        done => done,
    }
}

/// The filter, in the order in which it is run.
fn program() -> Vec<sock_filter> {
    let load = |offset: usize| statement(BPF_LD | BPF_W | BPF_ABS, small(offset));
    let mut program = vec![
        load(std::mem::offset_of!(seccomp_data, arch)),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        load(std::mem::offset_of!(seccomp_data, nr)),
        jump(BPF_JGE, X32, 0, 1),
        refuse(libc::ENOSYS),
    ];
    for refused in REFUSED {
        program.extend([jump(BPF_JEQ, small(*refused), 0, 1), refuse(libc::EPERM)]);
    }
    program.extend([
        // Its flags are in memory, where a filter cannot look; callers fall back to `clone`.
        jump(BPF_JEQ, small(libc::SYS_clone3), 0, 1),
        refuse(libc::ENOSYS),
        jump(BPF_JEQ, small(libc::SYS_clone), 0, 3),
        load(std::mem::offset_of!(seccomp_data, args)),
        jump(BPF_JSET, small(NAME_SPACES), 0, 1),
        refuse(libc::EPERM),
        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    ]);
    program
}

fn refuse(errno: c_int) -> sock_filter {
    statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | small(errno))
}

pub(super) fn statement(code: u32, k: u32) -> sock_filter {
    let code = u16::try_from(code).expect("codes of instructions are small");
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Goes on `jt` instructions further where the comparison holds, else `jf`.
pub(super) fn jump(comparison: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { jt, jf, ..statement(BPF_JMP | comparison | BPF_K, k) }
}

pub(super) fn small<Number: TryInto<u32, Error: std::fmt::Debug>>(number: Number) -> u32 {
    number.try_into().expect("numbers and offsets of system calls are small")
}
