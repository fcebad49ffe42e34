//! What a call asks for.

use crate::sys::seccomp::{Call, Form};

use super::identity::{Change, Question};

/// Where a file is, as a call names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// What a relative path begins at: a descriptor of the caller, or `AT_FDCWD`.
    pub(super) directory: i32,
    /// Where the path lies in the caller's memory; the descriptor itself is meant where there is none.
    pub(super) path: Option<u64>,
    pub(super) link: Link,
}

/// What a link at the end of a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Followed,
    Itself,
}

/// A call, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// A file is given to somebody; `None` leaves what there is.
    Own { place: Place, user: Option<u32>, group: Option<u32> },
    /// A file may be made.
    Make { place: Place },
    /// A file is renamed.
    Move,
    /// A file is looked at; `into` is where in the caller's memory the answer goes.
    Look { place: Place, into: u64, form: Form },
    /// The process becomes somebody.
    Become(Change),
    /// The process asks who it is.
    Ask(Question),
}

impl Request {
    /// Understands a call; `None` for one that is not followed.
    pub(super) fn of(call: &Call) -> Option<Self> {
        Self::of_any(call).or_else(|| Self::of_old(call))
    }

    fn of_any(call: &Call) -> Option<Self> {
        let [first, second, third, fourth, fifth, _] = call.arguments;
        let id = |argument: u64| Some(low(argument)).filter(|id| *id != u32::MAX);
        Some(match call.number {
            libc::SYS_fchown => {
                let place = Place { directory: signed(first), path: None, link: Link::Followed };
                Self::Own { place, user: id(second), group: id(third) }
            }
            libc::SYS_fchownat => {
                let place = seen(first, second, signed(fifth));
                Self::Own { place, user: id(third), group: id(fourth) }
            }
            libc::SYS_openat | libc::SYS_openat2 | libc::SYS_mkdirat | libc::SYS_mknodat => {
                Self::Make { place: at(first, second) }
            }
            // The target comes first.
            libc::SYS_symlinkat => Self::Make { place: at(second, third) },
            libc::SYS_renameat | libc::SYS_renameat2 => Self::Move,
            libc::SYS_fstat => {
                let place = Place { directory: signed(first), path: None, link: Link::Followed };
                Self::Look { place, into: second, form: Form::Stat }
            }
            libc::SYS_newfstatat => {
                let place = seen(first, second, signed(fourth));
                Self::Look { place, into: third, form: Form::Stat }
            }
            libc::SYS_statx => {
                let (flags, mask) = (signed(third), low(fourth));
                let place = seen(first, second, flags);
                Self::Look { place, into: fifth, form: Form::Extended { flags, mask } }
            }
            libc::SYS_setuid => Self::Become(Change::User(low(first))),
            libc::SYS_setgid => Self::Become(Change::Group(low(first))),
            libc::SYS_setreuid => Self::Become(Change::Users([id(first), id(second)])),
            libc::SYS_setregid => Self::Become(Change::Groups([id(first), id(second)])),
            libc::SYS_setresuid => {
                Self::Become(Change::AllUsers([id(first), id(second), id(third)]))
            }
            libc::SYS_setresgid => {
                Self::Become(Change::AllGroups([id(first), id(second), id(third)]))
            }
            libc::SYS_setfsuid => Self::Become(Change::FileUser(low(first))),
            libc::SYS_setfsgid => Self::Become(Change::FileGroup(low(first))),
            libc::SYS_setgroups => {
                Self::Become(Change::Supplementary { count: low(first), list: second })
            }
            libc::SYS_getuid => Self::Ask(Question::User),
            libc::SYS_geteuid => Self::Ask(Question::EffectiveUser),
            libc::SYS_getgid => Self::Ask(Question::Group),
            libc::SYS_getegid => Self::Ask(Question::EffectiveGroup),
            libc::SYS_getresuid => Self::Ask(Question::AllUsers([first, second, third])),
            libc::SYS_getresgid => Self::Ask(Question::AllGroups([first, second, third])),
            libc::SYS_getgroups => {
                Self::Ask(Question::Supplementary { count: low(first), list: second })
            }
            _ => return None,
        })
    }

    #[cfg(target_arch = "x86_64")]
    fn of_old(call: &Call) -> Option<Self> {
        let [first, second, third, ..] = call.arguments;
        let id = |argument: u64| Some(low(argument)).filter(|id| *id != u32::MAX);
        let own = |link| {
            let place = Place { directory: libc::AT_FDCWD, path: Some(first), link };
            Self::Own { place, user: id(second), group: id(third) }
        };
        Some(match call.number {
            libc::SYS_chown => own(Link::Followed),
            libc::SYS_lchown => own(Link::Itself),
            libc::SYS_open | libc::SYS_creat | libc::SYS_mkdir | libc::SYS_mknod => {
                Self::Make { place: here(first) }
            }
            libc::SYS_stat | libc::SYS_lstat => {
                let followed = call.number == libc::SYS_stat;
                let link = if followed { Link::Followed } else { Link::Itself };
                let place = Place { link, ..here(first) };
                Self::Look { place, into: second, form: Form::Stat }
            }
            libc::SYS_symlink => Self::Make { place: here(second) },
            libc::SYS_rename => Self::Move,
            _ => return None,
        })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of_old(_: &Call) -> Option<Self> {
        None
    }
}

/// Where a file is that is there, with the flags of the call. A path may be left out where the descriptor is meant.
fn seen(directory: u64, path: u64, flags: i32) -> Place {
    let itself = flags & libc::AT_SYMLINK_NOFOLLOW != 0;
    let link = if itself { Link::Itself } else { Link::Followed };
    Place { directory: signed(directory), path: Some(path).filter(|path| *path != 0), link }
}

/// Where a new file is.
fn at(directory: u64, path: u64) -> Place {
    Place { directory: signed(directory), path: Some(path), link: Link::Itself }
}

#[cfg(target_arch = "x86_64")]
fn here(path: u64) -> Place {
    Place { directory: libc::AT_FDCWD, path: Some(path), link: Link::Itself }
}

/// The lower half of a register, which is all that the kernel reads of an `int`.
fn low(argument: u64) -> u32 {
    u32::try_from(argument & u64::from(u32::MAX)).expect("it is 32 bits")
}

fn signed(argument: u64) -> i32 {
    low(argument).cast_signed()
}
