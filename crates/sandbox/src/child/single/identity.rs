//! Who processes believe they are (`credentials(7)`).

use std::collections::HashMap;
use std::io;

use crate::sys::seccomp::Answer;

use super::process;

/// The largest list of groups that the kernel takes (`setgroups(2)`).
const MOST_GROUPS: u32 = 65536;

/// How many threads are known before those that have ended are forgotten.
const MANY: usize = 1024;

/// Ids of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Triple {
    real: u32,
    effective: u32,
    saved: u32,
    /// What new files get.
    pub(super) file: u32,
}

/// Who a process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: Triple,
    pub(super) group: Triple,
    pub(super) groups: Vec<u32>,
}

/// Becoming somebody; `None` leaves what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    User(u32),
    Group(u32),
    /// Real and effective.
    Users([Option<u32>; 2]),
    Groups([Option<u32>; 2]),
    /// Real, effective and saved.
    AllUsers([Option<u32>; 3]),
    AllGroups([Option<u32>; 3]),
    FileUser(u32),
    FileGroup(u32),
    Supplementary {
        count: u32,
        list: u64,
    },
}

/// Asking who one is. Numbers are where answers go in the caller's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    User,
    EffectiveUser,
    Group,
    EffectiveGroup,
    AllUsers([u64; 3]),
    AllGroups([u64; 3]),
    Supplementary { count: u32, list: u64 },
}

/// Those that are not root, by thread, with the moment at which the thread was started.
#[derive(Debug, Default)]
pub(super) struct Identities(HashMap<u32, (u64, Identity)>);

impl Identities {
    /// Returns who a thread is: what it became, or else its process, or its parent when it was first seen.
    pub(super) fn of(&mut self, thread: u32) -> Identity {
        if self.0.is_empty() {
            return Identity::default();
        }
        if let Some(known) = self.known(thread) {
            return known;
        }
        let Ok(process::Origin { process, parent }) = process::origin(thread) else {
            return Identity::default();
        };
        let identity = self.known(process).or_else(|| self.known(parent)).unwrap_or_default();
        self.keep(thread, identity.clone());
        identity
    }

    /// Returns what is known of a thread, unless its number was given again.
    fn known(&mut self, thread: u32) -> Option<Identity> {
        let (start, identity) = self.0.get(&thread)?;
        if process::start(thread).is_ok_and(|found| found == *start) {
            return Some(identity.clone());
        }
        self.0.remove(&thread);
        None
    }

    fn keep(&mut self, thread: u32, identity: Identity) {
        if self.0.len() >= MANY {
            self.0.retain(|thread, (start, _)| {
                process::start(*thread).is_ok_and(|found| found == *start)
            });
        }
        if let Ok(start) = process::start(thread) {
            self.0.insert(thread, (start, identity));
        }
    }

    pub(super) fn change(&mut self, thread: u32, change: Change) -> io::Result<Answer> {
        let mut identity = self.of(thread);
        let before = identity.clone();
        let answer = identity.change(thread, change)?;
        if identity != before {
            self.keep(thread, identity);
        }
        Ok(answer)
    }

    pub(super) fn answer(&mut self, thread: u32, question: Question) -> io::Result<Answer> {
        if self.0.is_empty() {
            return Ok(Answer::Continue);
        }
        self.of(thread).answer(thread, question)
    }
}

impl Identity {
    fn is_root(&self) -> bool {
        self.user.effective == 0
    }

    /// Tells whether it may give a file of `owner` to `user` and `group`.
    pub(super) fn may_give(
        &self,
        owner: (u32, u32),
        (user, group): (Option<u32>, Option<u32>),
    ) -> bool {
        let own = |group: u32| group == self.group.file || self.groups.contains(&group);
        self.is_root()
            || (owner.0 == self.user.file
                && user.is_none_or(|user| user == owner.0)
                && group.is_none_or(|group| group == owner.1 || own(group)))
    }

    fn change(&mut self, thread: u32, change: Change) -> io::Result<Answer> {
        let root = self.is_root();
        match change {
            Change::User(id) => self.user.become_one(id, root)?,
            Change::Group(id) => self.group.become_one(id, root)?,
            Change::Users(ids) => self.user.become_two(ids, root)?,
            Change::Groups(ids) => self.group.become_two(ids, root)?,
            Change::AllUsers(ids) => self.user.become_all(ids, root)?,
            Change::AllGroups(ids) => self.group.become_all(ids, root)?,
            Change::FileUser(id) => return Ok(self.user.become_file(id, root)),
            Change::FileGroup(id) => return Ok(self.group.become_file(id, root)),
            Change::Supplementary { .. } if !root => return Err(not_permitted()),
            Change::Supplementary { count, .. } if count > MOST_GROUPS => return Err(invalid()),
            Change::Supplementary { count, list } => {
                let count = usize::try_from(count).map_err(io::Error::other)?;
                self.groups = process::numbers(thread, list, count)?;
            }
        }
        Ok(Answer::Value(0))
    }

    fn answer(&self, thread: u32, question: Question) -> io::Result<Answer> {
        let Triple { real: user, effective: effective_user, saved: saved_user, .. } = self.user;
        let Triple { real: group, effective: effective_group, saved: saved_group, .. } = self.group;
        let tell = |places: [u64; 3], ids: [u32; 3]| {
            for (place, id) in places.into_iter().zip(ids) {
                process::write_numbers(thread, place, &[id])?;
            }
            Ok(Answer::Value(0))
        };
        match question {
            Question::User => Ok(Answer::Value(user)),
            Question::EffectiveUser => Ok(Answer::Value(effective_user)),
            Question::Group => Ok(Answer::Value(group)),
            Question::EffectiveGroup => Ok(Answer::Value(effective_group)),
            Question::AllUsers(places) => tell(places, [user, effective_user, saved_user]),
            Question::AllGroups(places) => tell(places, [group, effective_group, saved_group]),
            Question::Supplementary { count, list } => {
                let length = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
                if count > 0 && count < length {
                    return Err(invalid());
                }
                if count > 0 {
                    process::write_numbers(thread, list, &self.groups)?;
                }
                Ok(Answer::Value(length))
            }
        }
    }
}

impl Triple {
    fn has(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved].contains(&id)
    }

    /// `setuid(2)`.
    fn become_one(&mut self, id: u32, root: bool) -> io::Result<()> {
        let all = if root { Some(id) } else { None };
        self.become_all([all, Some(id), all], root)
    }

    /// `setreuid(2)`: the saved id follows where a real one is given, or an effective one that is not the real one.
    fn become_two(&mut self, [real, effective]: [Option<u32>; 2], root: bool) -> io::Result<()> {
        let follows = real.is_some() || effective.is_some_and(|id| id != self.real);
        self.become_all([real, effective, None], root)?;
        if follows {
            self.saved = self.effective;
        }
        Ok(())
    }

    /// `setresuid(2)`.
    fn become_all(&mut self, ids: [Option<u32>; 3], root: bool) -> io::Result<()> {
        if !root && !ids.iter().flatten().all(|id| self.has(*id)) {
            return Err(not_permitted());
        }
        let [real, effective, saved] = ids;
        self.real = real.unwrap_or(self.real);
        self.effective = effective.unwrap_or(self.effective);
        self.saved = saved.unwrap_or(self.saved);
        self.file = self.effective;
        Ok(())
    }

    /// `setfsuid(2)`: returns what was, also where nothing changes.
    fn become_file(&mut self, id: u32, root: bool) -> Answer {
        let before = self.file;
        if root || self.has(id) || id == self.file {
            self.file = id;
        }
        Answer::Value(before)
    }
}

fn not_permitted() -> io::Error {
    io::Error::from_raw_os_error(libc::EPERM)
}

fn invalid() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_becomes_another_for_good_and_an_effective_one_goes_back() {
        let mut user = Triple::default();
        user.become_one(42, true).unwrap();
        assert_eq!(user, Triple { real: 42, effective: 42, saved: 42, file: 42 });
        assert_eq!(user.become_one(0, false).unwrap_err().raw_os_error(), Some(libc::EPERM));

        let mut user = Triple::default();
        user.become_two([None, Some(42)], true).unwrap();
        assert_eq!(user, Triple { real: 0, effective: 42, saved: 42, file: 42 });
        user.become_two([None, Some(0)], false).unwrap();
        assert_eq!(user.effective, 0);

        let mut user = Triple::default();
        user.become_all([None, Some(7), None], true).unwrap();
        assert_eq!(user, Triple { real: 0, effective: 7, saved: 0, file: 7 });
        assert_eq!(user.become_file(9, false), Answer::Value(7));
        assert_eq!(user.file, 7, "it is none of its own");
    }

    #[test]
    fn a_file_is_given_by_root_or_within_ones_own_groups() {
        let mut somebody = Identity::default();
        assert!(somebody.may_give((5, 6), (Some(7), Some(8))), "root");
        somebody.user.become_one(5, true).unwrap();
        somebody.groups = vec![8];
        assert!(somebody.may_give((5, 6), (None, Some(8))));
        assert!(!somebody.may_give((5, 6), (None, Some(9))));
        assert!(!somebody.may_give((5, 6), (Some(7), None)));
        assert!(!somebody.may_give((4, 8), (None, Some(8))));
    }
}
