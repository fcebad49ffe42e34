//! notes-build, with a store of its own.

use std::{fs, path::PathBuf, process::Command};

use super::{Builder, project::Project};
use crate::bench::{Result, contender::Contender};
use crate::program;

/// notes-build, with a store of its own.
pub(super) struct Notes {
    program: PathBuf,
    store: PathBuf,
}

impl Notes {
    pub(super) fn new(program: PathBuf, store: PathBuf) -> Self {
        Self { program, store }
    }
}

impl Contender for Notes {
    fn name(&self) -> &'static str {
        "notes-build"
    }

    fn version(&self) -> Result<String> {
        program::result(Command::new(&self.program).arg("--version"))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["notes-build"]
    }
}

impl Builder for Notes {
    fn forget(&self) -> Result<()> {
        if self.store.exists() {
            fs::remove_dir_all(&self.store)?;
        }
        Ok(())
    }

    fn build(&self, project: &Project, reference: &str) -> Vec<Command> {
        let mut build = Command::new(&self.program);
        let (image, _) = reference.rsplit_once(':').expect("a reference has a tag");
        build.args(["--quiet", "--image", image, "--file", "Dockerfile", "--store"]);
        build.arg(&self.store).current_dir(project.directory());
        vec![build]
    }
}
