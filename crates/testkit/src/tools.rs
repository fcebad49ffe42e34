//! Other people's programs for registries, built once from their Go modules.

use std::path::{Path, PathBuf};

use crate::{
    cache,
    cluster::{ClusterError, Program, build_missing},
};

/// A program that is built from source, because Debian has none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// go-containerregistry's client.
    Crane,
    /// The conformance tests of the distribution specification.
    Conformance,
}

impl Tool {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Crane, Self::Conformance];

    fn program(self) -> Program {
        match self {
            Self::Crane => Program {
                name: "crane",
                package: "github.com/google/go-containerregistry/cmd/crane",
                takes: "30 s on two cores",
            },
            Self::Conformance => Program {
                name: "conformance",
                package: "github.com/opencontainers/distribution-spec/conformance",
                takes: "15 s",
            },
        }
    }

    /// Returns the version, which `registry/go.mod` requires.
    pub fn version(self) -> &'static str {
        match self {
            Self::Crane => "0.22.1",
            // The repository tags no versions of this module.
            Self::Conformance => "0.0.0-20260831232431-97274622c111",
        }
    }

    fn directory(self, cache: &Path) -> PathBuf {
        cache.join(self.program().name).join(self.version())
    }

    /// Returns where it is, or why there is none.
    ///
    /// # Errors
    ///
    /// A sentence that names what would build it.
    pub fn find(self) -> Result<PathBuf, String> {
        let name = self.program().name;
        let path = self.directory(&cache::directory()).join(name);
        let missing = || format!("{name} is not built (`cargo xtask test` builds it, with Go)");
        if path.exists() { Ok(path) } else { Err(missing()) }
    }

    /// Builds it, unless it is there.
    ///
    /// # Errors
    ///
    /// Where Go is missing or fails; its words came to `say`.
    pub fn build(self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        let directory = self.directory(&cache::directory());
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
        let programs = [self.program()];
        build_missing(&programs, self.version(), Some(&directory), &module, "-s -w", say)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_requires_the_versions_that_are_named_here() {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry/go.mod");
        let module = std::fs::read_to_string(module).unwrap();
        for (tool, name) in [
            (Tool::Crane, "github.com/google/go-containerregistry"),
            (Tool::Conformance, "github.com/opencontainers/distribution-spec/conformance"),
        ] {
            let line = format!("{name} v{} ", tool.version());
            assert!(module.contains(&line), "{line}");
        }
    }
}
