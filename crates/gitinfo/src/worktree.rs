//! What lies in the working directory and is not in the commit.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use gix::{
    bstr::BString,
    status::{
        Item, Submodule, UntrackedFiles, index_worktree::Item as WorktreeItem,
        plumbing::index_as_worktree_with_renames::Summary, tree_index::TrackRenames,
    },
};

use crate::Repository;

/// How the working directory compares to the commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worktree {
    /// It holds the commit's files and nothing else that git would add.
    Clean,
    /// It differs.
    Dirty(Changes),
    /// There is none.
    Bare,
}

/// The paths that differ, each in one list, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Changed, staged or not.
    pub modified: Vec<PathBuf>,
    /// Staged and not in the commit.
    pub added: Vec<PathBuf>,
    /// In the commit and gone.
    pub deleted: Vec<PathBuf>,
    /// Never added, and not ignored.
    pub untracked: Vec<PathBuf>,
}

/// `2 modified and 1 untracked (app.py, notes.py, new.txt)`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 3;
        let kinds = [
            (&self.modified, "modified"),
            (&self.added, "added"),
            (&self.deleted, "deleted"),
            (&self.untracked, "untracked"),
        ];
        let counts: Vec<_> = kinds
            .iter()
            .filter(|(paths, _)| !paths.is_empty())
            .map(|(paths, kind)| format!("{} {kind}", paths.len()))
            .collect();
        let (last, others) =
            counts.split_last().map_or(("nothing", &[][..]), |(last, rest)| (last.as_str(), rest));
        if !others.is_empty() {
            write!(f, "{} and ", others.join(", "))?;
        }
        f.write_str(last)?;
        let mut names: Vec<_> = kinds.iter().flat_map(|(paths, _)| paths.iter()).collect();
        names.sort();
        let more = if names.len() > NAMED { ", …" } else { "" };
        let names: Vec<_> =
            names.iter().take(NAMED).map(|path| path.display().to_string()).collect();
        if names.is_empty() { Ok(()) } else { write!(f, " ({}{more})", names.join(", ")) }
    }
}

/// The error returned when the working directory cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("failed to compare the working directory with the commit")]
pub struct StatusError {
    source: Box<gix::Error>,
}

impl From<gix::Error> for StatusError {
    fn from(source: gix::Error) -> Self {
        Self { source: source.into() }
    }
}

impl Repository {
    /// Compares the working directory, the index and `HEAD`.
    ///
    /// Submodules are not looked into: their files are no part of the commit's tree.
    pub fn worktree(&self) -> Result<Worktree, StatusError> {
        let repository = self.local();
        if repository.workdir().is_none() {
            return Ok(Worktree::Bare);
        }
        let platform = repository
            .status(gix::progress::Discard)?
            .untracked_files(UntrackedFiles::Files)
            .index_worktree_rewrites(None)
            .index_worktree_submodules(Submodule::Given {
                ignore: gix::submodule::config::Ignore::All,
                check_dirty: false,
            })
            .tree_index_track_renames(TrackRenames::Disabled);
        let mut states: BTreeMap<BString, State> = BTreeMap::new();
        for item in platform.into_iter(Vec::new())? {
            let item = item?;
            if let Some(state) = State::of(&item) {
                let path = item.location().to_owned();
                states.entry(path).and_modify(|known| *known = known.then(state)).or_insert(state);
            }
        }
        if states.is_empty() {
            return Ok(Worktree::Clean);
        }
        Ok(Worktree::Dirty(Changes::of(states)?))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Modified,
    Added,
    Deleted,
    Untracked,
}

impl State {
    fn of(item: &Item) -> Option<Self> {
        use gix::diff::index::ChangeRef;
        Some(match item {
            Item::TreeIndex(ChangeRef::Addition { .. }) => Self::Added,
            Item::TreeIndex(ChangeRef::Deletion { .. }) => Self::Deleted,
            Item::TreeIndex(_) => Self::Modified,
            Item::IndexWorktree(WorktreeItem::DirectoryContents { entry, .. }) => {
                return (entry.status == gix::dir::entry::Status::Untracked)
                    .then_some(Self::Untracked);
            }
            Item::IndexWorktree(item) => match item.summary()? {
                Summary::Removed => Self::Deleted,
                Summary::Added | Summary::IntentToAdd => Self::Added,
                _ => Self::Modified,
            },
        })
    }

    /// A path that differs between commit and index, and again between index and disk, counts once.
    fn then(self, later: Self) -> Self {
        match (self, later) {
            (Self::Deleted, Self::Untracked) | (Self::Untracked, Self::Deleted) => Self::Modified,
            (Self::Added, _) | (_, Self::Added) => Self::Added,
            (Self::Deleted, _) | (_, Self::Deleted) => Self::Deleted,
            _ => Self::Modified,
        }
    }
}

impl Changes {
    fn of(states: BTreeMap<BString, State>) -> Result<Self, gix::Error> {
        let mut changes = Self::default();
        for (path, state) in states {
            let list = match state {
                State::Modified => &mut changes.modified,
                State::Added => &mut changes.added,
                State::Deleted => &mut changes.deleted,
                State::Untracked => &mut changes.untracked,
            };
            list.push(gix::path::from_bstring(path)?);
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_and_named_in_one_line() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        let mut changes = Changes { modified: paths(&["b", "a"]), ..Changes::default() };
        assert_eq!(changes.to_string(), "2 modified (a, b)");
        changes.untracked = paths(&["c", "d"]);
        assert_eq!(changes.to_string(), "2 modified and 2 untracked (a, b, c, …)");
        changes.deleted = paths(&["0"]);
        assert_eq!(changes.to_string(), "2 modified, 1 deleted and 2 untracked (0, a, b, …)");
    }
}
