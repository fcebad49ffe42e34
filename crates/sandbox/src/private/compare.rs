//! What has changed since an index was taken.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::private::index::{Index, Stamp};

/// One difference; what is below something placed or removed is not listed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The path inside the directory.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is gone.
    Removed,
    /// It is new, or not what it was.
    Placed,
    /// It is a directory as before, with another owner, mode, time or attribute.
    Directory,
}

/// Lists what is different in `directory` from `before`, itself left out, names in their order. No
/// link is followed.
pub(crate) fn compare(before: &Index, directory: &Path) -> io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    below(before, directory, Path::new(""), &mut changes)?;
    Ok(changes)
}

fn below(
    before: &Index,
    directory: &Path,
    path: &Path,
    changes: &mut Vec<Change>,
) -> io::Result<()> {
    let here = fs::read_dir(directory.join(path))?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<std::collections::BTreeSet<OsString>>>()?;
    for name in before.below.keys().filter(|name| !here.contains(*name)) {
        changes.push(Change { path: path.join(name), kind: Kind::Removed });
    }
    for name in here {
        let path = path.join(&name);
        let stamp = Stamp::of(&fs::symlink_metadata(directory.join(&path))?);
        let Some(known) = before.below.get(&name) else {
            changes.push(Change { path, kind: Kind::Placed });
            continue;
        };
        let both = known.stamp.is_directory() && stamp.is_directory();
        if known.stamp != stamp {
            let kind = if both { Kind::Directory } else { Kind::Placed };
            changes.push(Change { path: path.clone(), kind });
        }
        if both {
            below(known, directory, &path, changes)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::index::wait_for_a_tick;

    #[test]
    fn only_what_is_different_is_listed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["kept", "kept/deep", "gone", "swapped"] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in ["kept/file", "kept/deep/file", "gone/file", "edited"] {
            fs::write(at(name), "1").unwrap();
        }
        let index = Index::of(directory.path()).unwrap();
        wait_for_a_tick(directory.path()).unwrap();
        assert_eq!(compare(&index, directory.path()).unwrap(), []);

        fs::remove_dir_all(at("gone")).unwrap();
        fs::remove_dir(at("swapped")).unwrap();
        std::os::unix::fs::symlink("kept", at("swapped")).unwrap();
        fs::write(at("edited"), "2").unwrap();
        fs::write(at("kept/deep/new"), "1").unwrap();
        let listed: Vec<String> = compare(&index, directory.path())
            .unwrap()
            .into_iter()
            .map(|change| format!("{:?} {}", change.kind, change.path.display()))
            .collect();
        assert_eq!(
            listed,
            [
                "Removed gone",
                "Placed edited",
                "Directory kept/deep",
                "Placed kept/deep/new",
                "Placed swapped"
            ]
        );
    }
}
