//! What every file of a directory was like at one moment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

/// All that tells whether a file is the one it was, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    /// Bytes, or the number of a device; 0 for directories, whose size is the file system's affair.
    size: u64,
    modified: (i64, i64),
    /// Set by the kernel with every change of content or metadata, and by nothing else.
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let size = if metadata.is_dir() { 0 } else { metadata.len() + metadata.rdev() };
        Self {
            inode: metadata.ino(),
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            size,
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        rustix::fs::FileType::from_raw_mode(self.mode).is_dir()
    }
}

/// A file or directory, with all below it.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) stamp: Stamp,
    pub(crate) below: BTreeMap<OsString, Index>,
}

impl Index {
    /// Looks at `path` and all below it; no link is followed.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let stamp = Stamp::of(&fs::symlink_metadata(path)?);
        let mut below = BTreeMap::new();
        if stamp.is_directory() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                below.insert(entry.file_name(), Self::of(&entry.path())?);
            }
        }
        Ok(Self { stamp, below })
    }

    /// Takes the stamp of one entry anew, after the sandbox itself has touched it.
    pub(crate) fn refresh(&mut self, path: &Path, metadata: &Metadata) {
        let mut index = self;
        for component in path.components() {
            let Component::Normal(name) = component else { return };
            let Some(next) = index.below.get_mut(name) else { return };
            index = next;
        }
        index.stamp = Stamp::of(metadata);
    }
}

/// Waits until a change has another time than every change before: times have the grain of the
/// kernel's clock tick, some milliseconds, and an edit within the one of the index would not show.
///
/// The file system itself is asked, with a file of its own in `directory`.
pub(crate) fn wait_for_a_tick(directory: &Path) -> io::Result<()> {
    let path = directory.join("tick");
    let file = File::create(&path)?;
    let touch = || -> io::Result<(i64, i64)> {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
        rustix::fs::futimens(&file, &times)?;
        let metadata = file.metadata()?;
        Ok((metadata.ctime(), metadata.ctime_nsec()))
    };
    let begun = touch()?;
    while touch()? == begun {
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_hides_behind_size_and_time_shows() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "one").unwrap();
        let before = Stamp::of(&fs::metadata(&file).unwrap());
        assert_eq!(before, Stamp::of(&fs::metadata(&file).unwrap()));
        wait_for_a_tick(directory.path()).unwrap();
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "two").unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        assert_ne!(before, Stamp::of(&fs::metadata(&file).unwrap()));
    }
}
