//! What keeps `prune` and those apart who make a name lead to content.

use std::{
    fs::{self, File},
    io,
    time::{Duration, SystemTime},
};

use notes_oci::{Digest, Repository};

use super::{Kind, Storage};

/// What is asked for more often than that is not marked as used each time.
const MARKED: Duration = Duration::from_mins(1);

impl Storage {
    /// Keeps `prune` away while a name is made to lead to content. Blocks while it works.
    pub(in super::super) fn writing(&self) -> io::Result<File> {
        let lock = File::create(self.root.join("lock"))?;
        lock.lock_shared()?;
        Ok(lock)
    }

    /// Keeps everybody away who makes a name lead to content. Blocks until they are done.
    pub(in super::super) fn alone(&self) -> io::Result<File> {
        let lock = File::create(self.root.join("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Marks a blob of a repository as used now: who found it will not upload it, and soon push what needs it.
    pub(in super::super) fn mark(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> io::Result<()> {
        let path = self.entry(repository, Kind::Blobs, &digest.hex());
        let now = SystemTime::now();
        let age = now.duration_since(fs::metadata(&path)?.modified()?).unwrap_or_default();
        if age > MARKED {
            File::options().write(true).open(path)?.set_modified(now)
        } else {
            Ok(())
        }
    }
}
