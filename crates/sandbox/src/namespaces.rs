//! The rung with name spaces: an overlay per command, mounted in a world of its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::child::{MOUNT, OVERLAY};
use crate::command::Command;
use crate::ids::Ids;
use crate::output::{Exit, Output};
use crate::program::Program;
use crate::run::{self, RunError};
use crate::rung::Rung;
use crate::view::{View, ViewError};
use crate::wire::{Request, Run};

/// See [`Isolation::Namespaces`](crate::Isolation::Namespaces).
#[derive(Debug)]
pub(crate) struct Namespaces {
    pub(crate) program: Program,
    pub(crate) ids: Ids,
}

impl Rung for Namespaces {
    fn run(
        &self,
        command: &Command,
        output: &mut dyn Output,
        cancel: &Cancel,
    ) -> Result<Exit, RunError> {
        let command = run::checked(command, &self.ids)?;
        let _swept = Swept(&command.root.work);
        let request = Request::Run(Box::new(Run {
            resolv_conf: run::resolv_conf(),
            hosts: run::hosts(&command),
            ids: self.ids.clone(),
            parent: run::pid(),
            command: command.clone(),
        }));
        run::carry_out(&self.program, &request, &command, output, cancel)
    }

    fn view(&self, layers: &[PathBuf], at: &Path) -> Result<View, ViewError> {
        View::mount(layers, at, &self.ids)
    }
}

/// Removes from the work directory what a command needed there.
#[derive(Debug)]
struct Swept<'a>(&'a Path);

impl Drop for Swept<'_> {
    fn drop(&mut self) {
        let Ok(entries) = fs::read_dir(self.0) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let ours = name == MOUNT
                || name == OVERLAY
                || name.as_encoded_bytes().starts_with(b"discarded-");
            if ours {
                // What stays is in the caller's work directory, which the caller removes.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}
