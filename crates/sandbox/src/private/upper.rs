//! Moving what changed into an upper directory, in overlay form.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use crate::changes::white_out;
use crate::private::compare::{Change, Kind};
use crate::private::copy;
use crate::wire::{Doing, Failure};

/// Moves `changes` of the copy into the empty directory `upper`, with the directories around them.
///
/// Being moved, a file keeps its inode, so that hard links among what changed stay such. A directory
/// that was there before is never opaque: what is gone from it is a whiteout each.
pub(crate) fn collect(copy: &Path, changes: &[Change], upper: &Path) -> Result<(), Failure> {
    let directories = directories(copy, changes)?;
    for path in directories.keys().filter(|path| !path.as_os_str().is_empty()) {
        fs::create_dir(upper.join(path)).doing(|| format!("keep `/{}`", path.display()))?;
    }
    for Change { path, kind } in changes {
        let to = upper.join(path);
        match kind {
            Kind::Placed => fs::rename(copy.join(path), to),
            Kind::Removed => white_out(&to),
            Kind::Directory => Ok(()),
        }
        .doing(|| format!("keep `/{}`", path.display()))?;
    }
    // Last, since what is moved into a directory changes its time.
    for (path, metadata) in &directories {
        copy::attributes(&copy.join(path), &upper.join(path), metadata)
            .doing(|| format!("keep the attributes of `/{}`", path.display()))?;
    }
    Ok(())
}

/// Returns the directories that are to be in the upper one, as they are before anything is moved.
fn directories(copy: &Path, changes: &[Change]) -> Result<BTreeMap<PathBuf, Metadata>, Failure> {
    let mut directories = BTreeMap::new();
    let own = |change: &&Change| change.kind == Kind::Directory;
    let around = changes.iter().flat_map(|change| change.path.ancestors().skip(1));
    let themselves = changes.iter().filter(own).map(|change| change.path.as_path());
    for path in around.chain(themselves).chain([Path::new("")]) {
        if !directories.contains_key(path) {
            let metadata = fs::symlink_metadata(copy.join(path))
                .doing(|| format!("look at `/{}`", path.display()))?;
            directories.insert(path.to_owned(), metadata);
        }
    }
    Ok(directories)
}
