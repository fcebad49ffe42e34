//! The rungs of the ladder.

use std::fmt;
use std::str::FromStr;

/// How a command is kept apart from the machine it runs on; better rungs compare as smaller.
///
/// ```
/// use notes_sandbox::Isolation;
///
/// assert_eq!("namespaces".parse(), Ok(Isolation::Namespaces));
/// assert!(Isolation::Namespaces < Isolation::Chroot);
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Isolation {
    /// Own mount, process, IPC and host name namespaces over an overlay file system. Needs
    /// `CAP_SYS_ADMIN`, which an ordinary user has inside a user namespace.
    Namespaces,
    /// A changed root directory and nothing else: root in a default container, without mounts.
    Chroot,
    /// System calls rewritten by a tracer: no rights at all.
    Traced,
    /// No command can run; everything else of a build still can.
    None,
}

impl Isolation {
    /// All rungs, the best one first.
    pub const LADDER: [Self; 4] = [Self::Namespaces, Self::Chroot, Self::Traced, Self::None];

    /// Returns the name used on command lines and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Chroot => "chroot",
            Self::Traced => "traced",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The error returned when a name stands for no [`Isolation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no isolation mode; the modes are `namespaces`, `chroot`, `traced`, `none`")]
pub struct UnknownIsolation {
    /// What was given.
    pub name: String,
}

impl FromStr for Isolation {
    type Err = UnknownIsolation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::LADDER
            .into_iter()
            .find(|isolation| isolation.name() == name)
            .ok_or_else(|| UnknownIsolation { name: name.to_owned() })
    }
}
