//! The copies of a process: one per stage, which goes on from command to command.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::command::Root;
use crate::private::{copy, layer};
use crate::wire::{Doing, Failure};

/// A layer, known by its directory even when that is renamed.
type Identity = (u64, u64);

/// The copies that wait for the next command.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    waiting: Mutex<Vec<Private>>,
    made: AtomicU64,
}

/// A private copy of merged layers; removed when dropped.
#[derive(Debug)]
pub(crate) struct Private {
    /// Holds the copy and what is put aside while a command runs. Nobody but root gets in, whatever
    /// set-user-id programs the image has.
    directory: PathBuf,
    /// What it is a copy of, the bottom one first.
    layers: Vec<Identity>,
    /// The layer that was moved out of it: without that one on top it is a copy of nothing.
    moved_out: Option<Identity>,
    /// The directory of the caller's that it lies in.
    home: PathBuf,
}

impl Copies {
    /// Returns a copy of the lower layers of `root`: one that was given back and is a copy of some
    /// of them, or a new one.
    pub(crate) fn take(&self, root: &Root) -> Result<Private, Failure> {
        let home = root.keep.as_ref().unwrap_or(&root.work);
        let wanted = root.lowers.iter().map(|lower| identity(lower)).collect::<Result<Vec<_>, _>>();
        let wanted = wanted?;
        let mut private = match self.waiting_for(home, &wanted) {
            Some(private) => private,
            None => self.begin(home)?,
        };
        let known = private.layers.len();
        for (lower, identity) in root.lowers.iter().zip(&wanted).skip(known) {
            layer::apply(lower, &private.files())?;
            private.layers.push(*identity);
        }
        private.moved_out = None;
        Ok(private)
    }

    /// Keeps a copy for the next command. `upper` is what was moved out of it, if anything was: the
    /// next command must have it as a layer.
    pub(crate) fn give_back(
        &self,
        mut private: Private,
        upper: Option<&Path>,
    ) -> Result<(), Failure> {
        private.moved_out = upper.map(identity).transpose()?;
        self.waiting.lock().expect("no holder panics").push(private);
        Ok(())
    }

    /// Takes the copy that needs the fewest layers put on it; what was moved out of it has to be the
    /// first of them.
    fn waiting_for(&self, home: &Path, wanted: &[Identity]) -> Option<Private> {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        // The caller has removed the homes of others.
        waiting.retain(|private| private.directory.is_dir());
        let fits = |private: &Private| {
            let above = wanted.strip_prefix(private.layers.as_slice());
            let fits = |above: &[Identity]| match private.moved_out {
                Some(moved_out) => above.first() == Some(&moved_out),
                None => true,
            };
            private.home == home && above.is_some_and(fits)
        };
        let best = waiting.iter().enumerate().filter(|(_, private)| fits(private));
        let (position, _) = best.max_by_key(|(_, private)| private.layers.len())?;
        Some(waiting.swap_remove(position))
    }

    fn begin(&self, home: &Path) -> Result<Private, Failure> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let directory = home.join(format!("copy-{number}"));
        let home = home.to_owned();
        let private = Private { directory, layers: Vec::new(), moved_out: None, home };
        for (path, mode) in
            [(&private.directory, 0o700), (&private.files(), 0o755), (&private.aside(), 0o700)]
        {
            let make = || {
                DirBuilder::new().mode(mode).create(path)?;
                // Past the umask.
                fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
            };
            make().doing(|| format!("make the directory `{}`", path.display()))?;
        }
        Ok(private)
    }
}

impl Private {
    /// Returns the directory that a command sees as `/`.
    pub(crate) fn files(&self) -> PathBuf {
        self.directory.join("files")
    }

    /// Returns a directory that a command does not see.
    pub(crate) fn aside(&self) -> PathBuf {
        self.directory.join("aside")
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // What stays is in the caller's directory, which the caller removes. A copy that the caller
        // has removed already is gone.
        let _ = copy::remove(&self.directory);
    }
}

fn identity(layer: &Path) -> Result<Identity, Failure> {
    let metadata = fs::metadata(layer).doing(|| format!("open the layer `{}`", layer.display()))?;
    Ok((metadata.dev(), metadata.ino()))
}
