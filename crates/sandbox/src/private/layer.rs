//! Putting an unpacked layer over a private copy, as an overlay would show it.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use crate::changes::{is_opaque, is_whiteout};
use crate::private::copy;
use crate::wire::{Doing, Failure};

/// Makes the directory `copy`, which holds the merged layers below, what it is with `layer` on top.
///
/// No command runs in the copy meanwhile, and no link in it is followed: every directory on the way
/// was seen to be one.
pub(crate) fn apply(layer: &Path, copy: &Path) -> Result<(), Failure> {
    let doing = || format!("copy the layer `{}`", layer.display());
    for entry in fs::read_dir(layer).doing(doing)? {
        let entry = entry.doing(doing)?;
        let target = copy.join(entry.file_name());
        apply_entry(&entry, &target)
            .doing(|| format!("copy `{}`", entry.path().display()))
            .and_then(|kind| match kind {
                Entry::Directory => apply(&entry.path(), &target),
                Entry::Done => Ok(()),
            })?;
    }
    // Last, since what is written into a directory changes its time.
    let metadata = fs::symlink_metadata(layer).doing(doing)?;
    copy::attributes(layer, copy, &metadata).doing(doing)
}

/// What is left to do about an entry.
enum Entry {
    Done,
    /// It is a directory, and what is in it follows.
    Directory,
}

fn apply_entry(entry: &DirEntry, target: &Path) -> io::Result<Entry> {
    let (source, metadata) = (entry.path(), entry.metadata()?);
    if is_whiteout(&source, &metadata)? {
        copy::remove(target)?;
        return Ok(Entry::Done);
    }
    if !metadata.is_dir() {
        copy::remove(target)?;
        copy::node(&source, target, &metadata)?;
        return Ok(Entry::Done);
    }
    let merges = match fs::symlink_metadata(target) {
        Ok(there) => there.is_dir() && !is_opaque(&source)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if !merges {
        copy::remove(target)?;
        copy::node(&source, target, &metadata)?;
    }
    Ok(Entry::Directory)
}
