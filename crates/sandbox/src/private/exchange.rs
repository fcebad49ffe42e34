//! A directory that is copied in for a command, and whose changes are copied back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::private::compare::{self, Kind};
use crate::private::copy;
use crate::private::index::{Index, Stamp};

/// What a file or directory was when it was copied in.
#[derive(Debug)]
pub(crate) struct Exchange {
    source: PathBuf,
    before: Index,
}

impl Exchange {
    /// Copies `source` to `here`.
    pub(crate) fn bring(source: &Path, here: &Path) -> io::Result<Self> {
        copy::tree(source, here)?;
        Ok(Self { source: source.to_owned(), before: Index::of(here)? })
    }

    /// Copies what changed `here` back to the source. What others changed there meanwhile stays.
    pub(crate) fn take_back(&self, here: &Path) -> io::Result<()> {
        let metadata = match fs::symlink_metadata(here) {
            // A command that removes what it was given changes nothing outside.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let (was, is) = (self.before.stamp, Stamp::of(&metadata));
        if was.is_directory() != is.is_directory() {
            return Ok(());
        }
        if !is.is_directory() {
            return if was == is { Ok(()) } else { replace(here, &self.source) };
        }
        for change in compare::compare(&self.before, here)? {
            let (from, to) = (here.join(&change.path), self.source.join(&change.path));
            let taken = match change.kind {
                Kind::Removed => copy::remove(&to),
                Kind::Placed => replace(&from, &to),
                Kind::Directory => copy::attributes(&from, &to, &fs::symlink_metadata(&from)?),
            };
            match taken {
                // Somebody else has removed the directory that it belongs into.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        if was == is { Ok(()) } else { copy::attributes(here, &self.source, &metadata) }
    }
}

/// Puts a copy in the place of what is at `to`, at once for whoever reads it.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let directory = to.parent().unwrap_or(Path::new("/"));
    let fresh = directory.join(format!(".notes-sandbox-{}", std::process::id()));
    copy::remove(&fresh)?;
    copy::tree(from, &fresh)?;
    let directories = [from, to].map(|path| fs::symlink_metadata(path).is_ok_and(|it| it.is_dir()));
    if directories.contains(&true) {
        copy::remove(to)?;
    }
    match fs::symlink_metadata(&fresh) {
        Ok(_) => fs::rename(&fresh, to),
        // A socket, which is not copied.
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::index::wait_for_a_tick;

    #[test]
    fn changes_come_back_and_what_others_did_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (source, here) = (directory.path().join("source"), directory.path().join("here"));
        fs::create_dir_all(source.join("deep")).unwrap();
        for name in ["kept", "gone", "deep/edited"] {
            fs::write(source.join(name), "old").unwrap();
        }
        let exchange = Exchange::bring(&source, &here).unwrap();
        wait_for_a_tick(directory.path()).unwrap();
        fs::write(source.join("theirs"), "theirs").unwrap();
        fs::remove_file(here.join("gone")).unwrap();
        fs::write(here.join("deep/edited"), "new").unwrap();
        fs::create_dir(here.join("fresh")).unwrap();
        fs::write(here.join("fresh/file"), "new").unwrap();
        exchange.take_back(&here).unwrap();
        let text = |name: &str| fs::read_to_string(source.join(name)).unwrap_or_default();
        assert_eq!(
            ["kept", "theirs", "deep/edited", "fresh/file", "gone"].map(text),
            ["old", "theirs", "new", "new", ""]
        );
        assert_eq!(fs::read_dir(&source).unwrap().count(), 4);
    }
}
