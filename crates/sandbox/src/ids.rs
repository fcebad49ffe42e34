//! Which user and group ids exist inside.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The user and group ids a process can give to files and processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ids {
    /// All of them: no user namespace.
    All,
    /// Those below a limit: an ordinary user with subordinate ids, or a container's root.
    Ranges {
        /// Mapped user ids, as `(first, count)` inside the namespace.
        users: Vec<(u32, u32)>,
        /// Mapped group ids, as `(first, count)` inside the namespace.
        groups: Vec<(u32, u32)>,
    },
    /// Only 0: an ordinary user without subordinate ids. Commands believe that there are others: see
    /// [`OWNER_ATTRIBUTE`](crate::changes::OWNER_ATTRIBUTE).
    Single,
}

impl Ids {
    /// Says whether the user id exists inside.
    pub fn has_user(&self, uid: u32) -> bool {
        match self {
            Self::All => true,
            Self::Ranges { users, .. } => contains(users, uid),
            Self::Single => uid == 0,
        }
    }

    /// Says whether the group id exists inside.
    pub fn has_group(&self, gid: u32) -> bool {
        match self {
            Self::All => true,
            Self::Ranges { groups, .. } => contains(groups, gid),
            Self::Single => gid == 0,
        }
    }

    /// Returns what the user can do to have more ids, when there are too few for common images.
    pub fn hint(&self) -> Option<String> {
        let (Self::Single, hint) = (self, HINT) else { return None };
        Some(hint.to_owned())
    }

    /// Reads the two maps of a process (`user_namespaces(7)`).
    pub(crate) fn parse(uid_map: &str, gid_map: &str) -> Self {
        let (users, groups) = (ranges(uid_map), ranges(gid_map));
        let all = [(0, u32::MAX)];
        let single = [(0, 1)];
        if users == all && groups == all {
            Self::All
        } else if users == single {
            Self::Single
        } else {
            Self::Ranges { users, groups }
        }
    }
}

const HINT: &str = "only one user id is available: install `newuidmap` (package `uidmap`) and give \
                    the user a line in /etc/subuid and /etc/subgid";

impl fmt::Display for Ids {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all user ids"),
            Self::Single => formatter.write_str("a single user id"),
            Self::Ranges { users, .. } => {
                let count: u64 = users.iter().map(|(_, count)| u64::from(*count)).sum();
                write!(formatter, "{count} user ids")
            }
        }
    }
}

fn contains(ranges: &[(u32, u32)], id: u32) -> bool {
    ranges.iter().any(|(first, count)| id >= *first && id - first < *count)
}

fn ranges(map: &str) -> Vec<(u32, u32)> {
    map.lines()
        .filter_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(str::parse::<u32>);
            let (first, _, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
            Some((first.ok()?, count.ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_tells_which_ids_exist() {
        let all = "         0          0 4294967295\n";
        assert_eq!(Ids::parse(all, all), Ids::All);

        let single = "0 65534 1\n";
        assert_eq!(Ids::parse(single, single), Ids::Single);
        assert!(!Ids::Single.has_user(1));

        let ranges = Ids::parse("0 1000 1\n1 100000 65536\n", "0 1000 1\n1 100000 65536\n");
        assert!(ranges.has_user(65536) && ranges.has_group(0));
        assert!(!ranges.has_user(65537));
        assert_eq!(ranges.to_string(), "65537 user ids");
    }
}
