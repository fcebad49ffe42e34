//! The files of a commit of a git repository.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use super::{repository::Times, select::Selected};
use crate::{
    build::{CheckedOut, Checkout, GitDirectory},
    tree::{Entry, Tree},
};

/// A git repository as a source whose commit is known.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// The source as written.
    pub(crate) url: String,
    pub(crate) checkout: Checkout,
    pub(crate) times: Times,
    /// What its id must begin with, as long as that was not looked at: a checksum that is a whole id says what a step is
    /// known by without asking the server.
    pub(crate) unseen: Option<String>,
    /// The name to ask the server for.
    pub(crate) name: Option<String>,
}

impl Commit {
    /// Returns what of it decides about a layer. The address does not, unless it is written into `.git`.
    pub(super) fn key(&self) -> String {
        let Checkout { place, tip, directory, submodules, git_directory } = &self.checkout;
        let kept = match git_directory {
            GitDirectory::Keep => Some((&place.address, &tip.tag, &tip.reference)),
            GitDirectory::Drop => None,
        };
        let (commit, directory) = (&tip.commit, directory.display());
        format!("{commit} `{directory}` {submodules:?} {:?} {kept:?}", self.times)
    }

    /// Returns the files and the root of them, whose contents are copied.
    pub(super) fn tree(&self, files: &CheckedOut) -> (Arc<dyn Tree>, Selected) {
        let CheckedOut { tree, time } = files.clone();
        let (tree, modified) = match self.times {
            Times::Builder => (tree, None),
            Times::Commit => (Arc::new(Dated { tree, time }) as Arc<dyn Tree>, Some(time)),
        };
        let entry = Entry { modified, ..Entry::directory() };
        let selected = Selected { path: "".into(), name: "".into(), entry, within: "".into() };
        (tree, selected)
    }
}

/// A tree all of whose entries have one time.
struct Dated {
    tree: Arc<dyn Tree>,
    time: i64,
}

impl Dated {
    fn date(&self, entry: Entry) -> Entry {
        Entry { modified: Some(self.time), ..entry }
    }
}

impl Tree for Dated {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(self.tree.entry(path)?.map(|entry| self.date(entry)))
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let children = self.tree.children(path)?.into_iter();
        Ok(children.map(|(name, entry)| (name, self.date(entry))).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.tree.open(path)
    }
}
