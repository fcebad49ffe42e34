//! The registry that all pull from and push to: CNCF distribution, whose log tells the requests.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use notes_testkit::Distribution;

use super::Result;
use crate::{demo::bases, output};

/// The base of all projects.
const BASE: &str = "python:3.13-slim";

/// A registry, which ends when it is dropped.
pub(super) struct Registry {
    server: Distribution,
    directory: PathBuf,
}

impl Registry {
    /// Starts it in `directory`.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        Ok(Self { server: Distribution::serve(directory)?, directory: directory.to_owned() })
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns its process.
    pub(super) fn process(&self) -> u32 {
        self.server.process()
    }

    /// Returns the base of all projects, as a Dockerfile names it.
    pub(super) fn base(&self) -> String {
        format!("{}/library/{BASE}", self.address())
    }

    /// Puts the base into it, made of Debian's packages.
    pub(super) fn provide_base(&self, notes_build: &Path, cache: &Path) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let say = |line: &str| output::say(line);
        runtime.block_on(bases::push(BASE, self.address(), notes_build, cache, &say))?;
        Ok(())
    }

    /// Removes what was pushed to a repository.
    pub(super) fn forget(&self, repository: &str) -> Result<()> {
        let path = self.directory.join("data/docker/registry/v2/repositories").join(repository);
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// Removes all that was ever pushed.
    pub(super) fn forget_all(&self) -> Result<()> {
        let path = self.directory.join("data/docker");
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// Returns how many requests it has answered.
    pub(super) fn requests(&self) -> Result<usize> {
        let log = fs::read_to_string(self.directory.join("access.log"))?;
        Ok(log.lines().filter(|line| line.contains(" HTTP/")).count())
    }
}
