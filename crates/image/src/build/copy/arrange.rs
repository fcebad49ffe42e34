//! Where copied entries go: the table of `COPY` and `ADD`, without writing anything.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_dockerfile::Ignore;

use super::{Conflicts, Error, Parents, mode::Mode, select::Selected};
use crate::tree::{Entry, Kind, Tree, clean, follow};

/// An entry of the layer to be.
#[derive(Clone)]
pub(crate) struct Placement {
    pub(crate) entry: Entry,
    pub(crate) content: Content,
}

/// Where the bytes of a file come from.
#[derive(Clone)]
pub(crate) enum Content {
    /// It has none.
    None,
    /// A file of a tree.
    File(Arc<dyn Tree>, PathBuf),
    /// Text of the Dockerfile.
    Text(Arc<[u8]>),
}

/// Collects placements over the files that are there already.
pub(crate) struct Arrangement {
    /// What the stage has.
    files: Arc<dyn Tree>,
    /// The owner of everything, where one was given.
    pub(crate) owner: Option<(u32, u32)>,
    /// The mode of everything but links, where one was given.
    pub(crate) mode: Option<Mode>,
    pub(crate) excludes: Ignore,
    pub(crate) conflicts: Conflicts,
    placements: BTreeMap<PathBuf, Placement>,
}

impl Arrangement {
    pub(crate) fn new(files: Arc<dyn Tree>) -> Self {
        Self {
            files,
            owner: None,
            mode: None,
            excludes: Ignore::default(),
            conflicts: Conflicts::Refuse,
            placements: BTreeMap::new(),
        }
    }

    /// Returns the entries by path: a directory stands before what is in it.
    pub(crate) fn finish(self) -> BTreeMap<PathBuf, Placement> {
        self.placements
    }

    /// Returns what stands at `path` so far, or stood there before.
    fn existing(&self, path: &Path) -> Result<Option<Entry>, Error> {
        if let Some(placement) = self.placements.get(path) {
            return Ok(Some(placement.entry.clone()));
        }
        self.files.entry(path).map_err(|source| Error::Read { path: path.into(), source })
    }

    /// Returns where a destination leads: links in it are followed inside the image.
    pub(crate) fn destination(&self, path: &Path) -> Result<PathBuf, Error> {
        let path = clean(path);
        follow(&*self.files, &path).map_err(|source| Error::Read { path, source })
    }

    /// Tells whether `path` is a directory.
    pub(crate) fn is_directory(&self, path: &Path) -> Result<bool, Error> {
        Ok(self.existing(path)?.is_some_and(|entry| entry.is_directory()))
    }

    /// Puts one selected entry at `destination`, a directory's contents into it.
    pub(super) fn add(
        &mut self,
        tree: &Arc<dyn Tree>,
        selected: &Selected,
        destination: &Path,
        into: Into,
        parents: Parents,
    ) -> Result<(), Error> {
        let is_directory = selected.entry.is_directory();
        if self.leaves_out(&selected.within, is_directory)
            || (!is_directory && self.excludes(&selected.name))
        {
            return Ok(());
        }
        let target = match (parents, into, is_directory) {
            (Parents::Keep, _, _) | (_, Into::Directory, false) => destination.join(&selected.name),
            _ => destination.to_owned(),
        };
        if parents == Parents::Keep {
            self.parents_of(tree, selected, destination)?;
        } else if let Some(parent) = target.parent() {
            self.directories(parent)?;
        }
        if is_directory {
            self.directory(tree, selected, &target, parents)
        } else {
            self.place(tree, &selected.path, selected.entry.clone(), &target)
        }
    }

    /// Puts the text of a heredoc at `target`.
    pub(super) fn add_text(&mut self, text: &Arc<[u8]>, target: &Path) -> Result<(), Error> {
        if let Some(parent) = target.parent() {
            self.directories(parent)?;
        }
        let entry = Entry::new(Kind::File(text.len() as u64), 0o644);
        self.check(&entry, target)?;
        let entry = self.dressed(entry);
        let content = Content::Text(Arc::clone(text));
        self.placements.insert(target.into(), Placement { entry, content });
        Ok(())
    }

    /// Makes `path` and what is missing on the way to it; what exists is repeated as it is, as overlayfs does, so that a
    /// reader of this layer alone sets no other owner or mode.
    pub(crate) fn directories(&mut self, path: &Path) -> Result<(), Error> {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors.into_iter().filter(|path| !path.as_os_str().is_empty()) {
            if self.placements.contains_key(ancestor) {
                continue;
            }
            let entry = match self.existing(ancestor)? {
                Some(entry) if entry.is_directory() => entry,
                Some(_) => return Err(Error::NotADirectory { path: ancestor.into() }),
                None => self.new_directory(),
            };
            self.placements.insert(ancestor.into(), Placement { entry, content: Content::None });
        }
        Ok(())
    }

    /// Returns what a directory on the way is made as. An octal mode counts for it, too; a symbolic one has nothing that it
    /// could change (tonistiigi/fsutil, `copy/copy.go`).
    fn new_directory(&self) -> Entry {
        let (uid, gid) = self.owner.unwrap_or((0, 0));
        let mode = match self.mode {
            Some(Mode::Octal(bits)) => bits,
            _ => 0o755,
        };
        Entry { mode, uid, gid, ..Entry::directory() }
    }

    /// With `--parents`: repeats the directories on the way to the source.
    fn parents_of(
        &mut self,
        tree: &Arc<dyn Tree>,
        selected: &Selected,
        destination: &Path,
    ) -> Result<(), Error> {
        self.directories(destination)?;
        let mut source = selected.path.clone();
        let mut name = selected.name.clone();
        let mut missing = Vec::new();
        while source.pop() && name.pop() && !name.as_os_str().is_empty() {
            missing.push((source.clone(), name.clone()));
        }
        for (source, name) in missing.into_iter().rev() {
            let read = |error| Error::Read { path: source.clone(), source: error };
            let entry = tree.entry(&source).map_err(read)?.unwrap_or_else(Entry::directory);
            self.place(tree, &source, entry, &destination.join(name))?;
        }
        Ok(())
    }

    /// Copies the contents of a directory into `target`; `target` itself keeps what it is if it exists. Where it does not, it
    /// is made like any directory on the way, whatever mode and owner the source has: `COPY` copies what is in a directory,
    /// and of the directory itself only the time (tonistiigi/fsutil, `copy/copy.go`, `prepareTargetDir`).
    fn directory(
        &mut self,
        tree: &Arc<dyn Tree>,
        selected: &Selected,
        target: &Path,
        parents: Parents,
    ) -> Result<(), Error> {
        let exists = self.is_directory(target)?;
        match parents {
            _ if exists => self.directories(target)?,
            // The root of nothing is no entry.
            _ if target.as_os_str().is_empty() => {}
            Parents::Keep => {
                self.place(tree, &selected.path, selected.entry.clone(), target)?;
            }
            Parents::Drop => {
                let made = Entry { modified: selected.entry.modified, ..self.new_directory() };
                self.check(&made, target)?;
                let content = Content::None;
                self.placements.insert(target.into(), Placement { entry: made, content });
            }
        }
        self.contents(tree, selected, Path::new(""), target)
    }

    fn contents(
        &mut self,
        tree: &Arc<dyn Tree>,
        selected: &Selected,
        below: &Path,
        target: &Path,
    ) -> Result<(), Error> {
        let directory = selected.path.join(below);
        let children = tree
            .children(&directory)
            .map_err(|source| Error::Read { path: directory.clone(), source })?;
        for (name, entry) in children {
            let relative = below.join(&name);
            let is_directory = entry.is_directory();
            let named = selected.within.join(&relative);
            if self.leaves_out(&named, is_directory) {
                continue;
            }
            if self.excludes(&named) {
                self.contents(tree, selected, &relative, target)?;
                continue;
            }
            let target_path = target.join(&relative);
            if let Some(parent) = target_path.parent() {
                self.directories(parent)?;
            }
            self.place(tree, &selected.path.join(&relative), entry, &target_path)?;
            if is_directory {
                self.contents(tree, selected, &relative, target)?;
            }
        }
        Ok(())
    }

    fn place(
        &mut self,
        tree: &Arc<dyn Tree>,
        source: &Path,
        entry: Entry,
        target: &Path,
    ) -> Result<(), Error> {
        self.check(&entry, target)?;
        let content = match entry.kind {
            Kind::File(_) => Content::File(Arc::clone(tree), source.into()),
            _ => Content::None,
        };
        let entry = self.dressed(entry);
        self.placements.insert(target.into(), Placement { entry, content });
        Ok(())
    }

    fn excludes(&self, path: &Path) -> bool {
        self.excludes.excludes(&path.to_string_lossy()).is_some()
    }

    /// Tells whether nothing of `path` is copied: it is excluded, and no later `!` pattern names something below it.
    fn leaves_out(&self, path: &Path, is_directory: bool) -> bool {
        super::leaves_out(&self.excludes, path, is_directory)
    }

    /// Refuses a directory in the place of a file and the other way round.
    fn check(&mut self, entry: &Entry, target: &Path) -> Result<(), Error> {
        let Some(existing) = self.existing(target)? else { return Ok(()) };
        if entry.is_directory() == existing.is_directory() {
            return Ok(());
        }
        // A file takes the place of a link, wherever that leads.
        let is_link = matches!(existing.kind, Kind::Symlink(_));
        if self.conflicts == Conflicts::Replace {
            // What was placed below a directory that gives way goes with it.
            self.placements.retain(|path, _| path == target || !path.starts_with(target));
            return Ok(());
        }
        match (entry.is_directory(), is_link) {
            (true, _) => Err(Error::DirectoryOverFile { path: target.into() }),
            (false, true) => Ok(()),
            (false, false) => Err(Error::FileOverDirectory { path: target.into() }),
        }
    }

    /// Returns `entry` with the owner and mode that were asked for.
    fn dressed(&self, mut entry: Entry) -> Entry {
        if let Some((uid, gid)) = self.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        if let (Some(mode), false) = (&self.mode, matches!(entry.kind, Kind::Symlink(_))) {
            entry.mode = mode.apply(entry.mode, entry.is_directory());
        }
        entry
    }
}

/// What a destination means for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// A directory, in which the file keeps its name.
    Directory,
    /// The file's new name.
    Name,
}
