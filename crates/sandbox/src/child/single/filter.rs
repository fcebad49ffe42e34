//! Which calls wait for an answer.

use std::mem::offset_of;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_USER_NOTIF, c_long, seccomp_data, sock_filter,
};

use crate::child::filter::{ARCHITECTURE, jump, small, statement};

/// Calls that are about owners and identities, and those that make, move or look at files.
const ALWAYS: &[c_long] = &[
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_openat2,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
];

/// Those that newer architectures lack.
#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_symlink,
    libc::SYS_creat,
    libc::SYS_rename,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];

/// Calls that may make a file, and the argument that says so.
#[cfg(target_arch = "x86_64")]
const OPENING: &[(c_long, usize)] = &[(libc::SYS_open, 1), (libc::SYS_openat, 2)];
#[cfg(not(target_arch = "x86_64"))]
const OPENING: &[(c_long, usize)] = &[(libc::SYS_openat, 2)];

/// Returns the filter. Programs for another architecture, such as 32-bit ones, are not followed.
pub(super) fn program() -> Vec<sock_filter> {
    let load = |offset: usize| statement(BPF_LD | BPF_W | BPF_ABS, small(offset));
    let end = |action| statement(BPF_RET | BPF_K, action);
    let mut program = vec![
        load(offset_of!(seccomp_data, arch)),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        end(SECCOMP_RET_ALLOW),
        load(offset_of!(seccomp_data, nr)),
    ];
    for number in ALWAYS.iter().chain(OLD) {
        program.extend([jump(BPF_JEQ, small(*number), 0, 1), end(SECCOMP_RET_USER_NOTIF)]);
    }
    for (number, argument) in OPENING {
        program.extend([
            jump(BPF_JEQ, small(*number), 0, 4),
            load(offset_of!(seccomp_data, args) + 8 * argument),
            jump(BPF_JSET, small(libc::O_CREAT), 0, 1),
            end(SECCOMP_RET_USER_NOTIF),
            end(SECCOMP_RET_ALLOW),
        ]);
    }
    program.push(end(SECCOMP_RET_ALLOW));
    program
}
