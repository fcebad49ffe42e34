//! The rung of root without mounts: a private copy of the files, a changed root directory, and an index of change times.
//!
//! What a command cannot have here is an error before anything is done, never left out: a network of
//! its own, a host name, a limit of memory. It shares the machine's process ids, so that it could
//! signal the processes of its caller; and as root it could leave its root directory again
//! (`chroot(2)`): the rung keeps files apart, it is no wall against a hostile command.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::command::{Command, DEFAULT_HOSTNAME, Network};
use crate::ids::Ids;
use crate::isolation::Isolation;
use crate::mounts::Mount;
use crate::output::{Exit, Output};
use crate::private::compare::compare;
use crate::private::copies::{Copies, Private};
use crate::private::furniture::Furniture;
use crate::private::index::{self, Index, Stamp};
use crate::private::{copy, layer, supplies, upper};
use crate::program::Program;
use crate::run::{self, RunError};
use crate::rung::Rung;
use crate::view::{View, ViewError};
use crate::wire::{Confined, Doing, Failure, Request};

/// See [`Isolation::Chroot`].
#[derive(Debug)]
pub(crate) struct Chroot {
    program: Program,
    ids: Ids,
    copies: Copies,
}

impl Chroot {
    pub(crate) fn new(program: Program, ids: Ids) -> Self {
        Self { program, ids, copies: Copies::default() }
    }
}

impl Rung for Chroot {
    fn run(
        &self,
        command: &Command,
        output: &mut dyn Output,
        cancel: &Cancel,
    ) -> Result<Exit, RunError> {
        let command = run::checked(command, &self.ids)?;
        supported(&command)?;
        let private = self.copies.take(&command.root)?;
        let mut index = begin(&private, &command)?;
        let mut furniture = furnish(&private, &command)?;
        furniture.settle(&mut index)?;
        index::wait_for_a_tick(&private.aside()).doing(|| "look at the clock".to_owned())?;

        let request = Request::Confined(Box::new(Confined {
            root: private.files(),
            confidential: std::mem::take(&mut furniture.confidential),
            ids: self.ids.clone(),
            parent: run::pid(),
            command: Command { mounts: Vec::new(), ..command.clone() },
        }));
        let ended = run::carry_out(&self.program, &request, &command, output, cancel);

        // Also where the command failed: what it wrote into a cache counts.
        let cleared = furniture.clear(&mut index);
        let exit = ended?;
        cleared?;
        self.keep_changes(private, &index, &command.root.upper)?;
        Ok(exit)
    }

    fn view(&self, _: &[PathBuf], _: &Path) -> Result<View, ViewError> {
        Err(ViewError::NotOffered { isolation: Isolation::Chroot })
    }
}

impl Chroot {
    /// Moves what changed into the upper directory, and keeps the copy for the next command.
    fn keep_changes(&self, private: Private, index: &Index, upper: &Path) -> Result<(), Failure> {
        let files = private.files();
        let doing = || "look for changes".to_owned();
        let changes = compare(index, &files).doing(doing)?;
        let root = Stamp::of(&fs::symlink_metadata(&files).doing(doing)?);
        upper::collect(&files, &changes, upper)?;
        match (changes.is_empty(), root == index.stamp) {
            (false, _) => self.copies.give_back(private, Some(upper)),
            (true, true) => self.copies.give_back(private, None),
            // The root directory itself is in no layer: the next command finds it as it was.
            (true, false) => Ok(()),
        }
    }
}

/// Refuses what this rung does not have.
fn supported(command: &Command) -> Result<(), RunError> {
    let refuse = |what: &str, instead| {
        let (isolation, what) = (Isolation::Chroot, what.to_owned());
        Err(RunError::NotSupported { isolation, what, instead })
    };
    if command.network == Network::None {
        return refuse(
            "a network of its own",
            "leave `--network=none` out, or run where a process may have name spaces",
        );
    }
    if command.hostname != DEFAULT_HOSTNAME {
        return refuse("a host name of its own", "leave the host name out");
    }
    let limited = |mount: &Mount| matches!(mount, Mount::Tmpfs { size: Some(_), .. });
    if command.mounts.iter().any(limited) {
        return refuse("a limit for a tmpfs mount, which is a directory here", "leave `size` out");
    }
    Ok(())
}

/// Takes the index of the lower layers. What an upper directory holds already is put over them, and
/// counts as changed when the command has ended.
fn begin(private: &Private, command: &Command) -> Result<Index, Failure> {
    let (files, upper) = (private.files(), &command.root.upper);
    let index = Index::of(&files).doing(|| "take an index of the files".to_owned())?;
    let doing = || format!("read `{}`", upper.display());
    let entries = fs::read_dir(upper).doing(doing)?.collect::<Result<Vec<_>, _>>().doing(doing)?;
    if !entries.is_empty() {
        layer::apply(upper, &files)?;
        for entry in entries {
            copy::remove(&entry.path()).doing(doing)?;
        }
    }
    Ok(index)
}

fn furnish(private: &Private, command: &Command) -> Result<Furniture, Failure> {
    let mut furniture = Furniture::new(private)?;
    supplies::supply(&mut furniture)?;
    furniture.file("/etc/resolv.conf", &run::resolv_conf())?;
    furniture.file("/etc/hosts", &run::hosts(command))?;
    for mount in &command.mounts {
        furniture.mount(mount)?;
    }
    Ok(furniture)
}
