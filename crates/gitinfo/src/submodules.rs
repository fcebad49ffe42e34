//! Which repositories belong into a tree, and where they are.

use std::{os::unix::ffi::OsStrExt as _, path::PathBuf};

use gix::bstr::{BStr, ByteSlice};

use crate::{Id, Kind, Tree, TreeError};

/// Where a commit says what its submodules are (gitmodules(5)).
const FILE: &str = ".gitmodules";

/// A repository that belongs into the tree of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// Where its files belong.
    pub path: PathBuf,
    /// Where it is.
    pub address: String,
    /// The commit whose files are meant.
    pub commit: Id,
}

/// The error returned when the submodules of a tree cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmoduleError {
    /// The tree cannot be read.
    #[error(transparent)]
    Tree {
        /// Why not.
        source: TreeError,
    },
    /// The file that names them cannot be read.
    #[error("`.gitmodules` cannot be read")]
    Modules {
        /// Why not.
        source: Box<gix::Error>,
    },
    /// A submodule is not in that file.
    #[error("`.gitmodules` does not say where the submodule `{}` is", path.display())]
    Unknown {
        /// Where its files belong.
        path: PathBuf,
    },
}

impl Tree {
    /// Returns the submodules, those of the submodules themselves not included. Addresses that are relative continue `home`,
    /// the address of this repository.
    pub fn submodules(&self, home: &str) -> Result<Vec<Submodule>, SubmoduleError> {
        let failed = |source| SubmoduleError::Tree { source };
        let entries = self.walk("".as_ref()).map_err(failed)?;
        let links: Vec<_> =
            entries.into_iter().filter(|entry| entry.kind == Kind::Submodule).collect();
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let text = match self.entry(FILE.as_ref()).map_err(failed)? {
            Some(entry) => self.read(&entry).map_err(failed)?,
            None => Vec::new(),
        };
        let modules = Modules::parse(&text)?;
        let named = links.into_iter().map(|link| modules.submodule(link.path, link.id, home));
        named.filter_map(Result::transpose).collect()
    }
}

/// What the file says.
struct Modules(gix::submodule::File);

impl Modules {
    fn parse(text: &[u8]) -> Result<Self, SubmoduleError> {
        let empty = gix::config::File::default();
        gix::submodule::File::from_bytes(text, None, &empty)
            .map(Self)
            .map_err(|source| SubmoduleError::Modules { source: source.into() })
    }

    /// Returns the submodule at `path`, `None` where the file says to leave it alone.
    fn submodule(
        &self,
        path: PathBuf,
        commit: Id,
        home: &str,
    ) -> Result<Option<Submodule>, SubmoduleError> {
        let name = self.0.name_by_path(path.as_os_str().as_bytes().as_bstr());
        let value = |key: &str| name.and_then(|name| self.value(name, key));
        let Some(address) = value("url") else { return Err(SubmoduleError::Unknown { path }) };
        let is_left_alone = value("update").is_some_and(|update| update == "none");
        let address = resolved(home, &address);
        Ok((!is_left_alone).then_some(Submodule { path, address, commit }))
    }

    fn value(&self, name: &BStr, key: &str) -> Option<String> {
        let value = self.0.config().string_by("submodule", Some(name), key)?;
        value.to_str().ok().map(str::to_owned)
    }
}

/// Resolves an address against that of the repository that says it, as git does (git-submodule(1), "add").
fn resolved(home: &str, address: &str) -> String {
    if !address.starts_with("./") && !address.starts_with("../") {
        return address.into();
    }
    let mut base = home.trim_end_matches('/');
    let mut rest = address;
    loop {
        if let Some(tail) = rest.strip_prefix("./") {
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("../") {
            rest = tail;
            base = base.rsplit_once('/').map_or(base, |(parent, _)| parent);
        } else {
            return format!("{base}/{rest}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_continue_their_home() {
        let home = "https://host/group/a.git";
        for (address, expected) in [
            ("../b.git", "https://host/group/b.git"),
            ("../../other/b.git", "https://host/other/b.git"),
            ("./b.git", "https://host/group/a.git/b.git"),
            ("https://else/b.git", "https://else/b.git"),
        ] {
            assert_eq!(resolved(home, address), expected, "{address}");
        }
    }
}
