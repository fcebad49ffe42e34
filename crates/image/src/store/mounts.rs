//! Directories of `RUN --mount=type=cache`, and what of them travels.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use notes_oci::Digest;

use super::{Store, lock::Lock};
use crate::{
    compress::Compression,
    export,
    overlay::Layers,
    pack::{Packed, Packer},
};

/// The error returned when the contents of a cache mount cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackMountError {
    /// There is more in it than was allowed.
    #[error("it has more than {most} bytes")]
    TooLarge {
        /// What was allowed.
        most: u64,
    },
    /// A command is using it.
    #[error("another build is using it")]
    InUse,
    /// It could not be read, or the store not written.
    #[error("it cannot be read")]
    Read {
        /// Why not.
        source: export::Error,
    },
    /// The store could not be read or written.
    #[error("the store cannot be used")]
    Store {
        /// Why not.
        source: io::Error,
    },
}

impl From<io::Error> for PackMountError {
    fn from(source: io::Error) -> Self {
        Self::Store { source }
    }
}

impl Store {
    /// Returns the directory of the `RUN --mount=type=cache` named `id`; if it is not there, `fill` makes a new one what it
    /// is to be.
    pub fn cache_mount<E: From<io::Error>>(
        &self,
        id: &str,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let path = self.mount_path(id);
        if path.exists() {
            return Ok(path);
        }
        // Two builds that need one cache: the second waits and finds it.
        let _lock = Lock::exclusive(&path.with_extension("new"))?;
        if !path.exists() {
            let draft = self.draft_directory()?;
            fill(&draft.files())?;
            draft.publish(&path)?;
        }
        Ok(path)
    }

    /// Tells whether the cache mount named `id` is there.
    pub fn has_cache_mount(&self, id: &str) -> bool {
        self.mount_path(id).exists()
    }

    /// Packs what is in the cache mount named `id`, unless its files have more than `most` bytes: sorted, with times to the second, so that what did not
    /// change gives the same bytes. `None` where there is nothing. Blocks.
    ///
    /// # Errors
    ///
    /// [`PackMountError`]; that a build is using it is one.
    pub fn pack_cache_mount(
        &self,
        id: &str,
        most: u64,
        compression: Compression,
    ) -> Result<Option<Packed>, PackMountError> {
        let path = self.mount_path(id);
        let lock = Lock::try_exclusive(&path.with_extension("lock"))?;
        let Some(_lock) = lock else { return Err(PackMountError::InUse) };
        if size(&path, most)? > most {
            return Err(PackMountError::TooLarge { most });
        }
        let mut packer = Packer::new(self, compression)?;
        let read = |source| PackMountError::Read { source };
        packer.append_all(&Layers::new([path])).map_err(read)?;
        Ok(packer.finish()?)
    }

    fn mount_path(&self, id: &str) -> PathBuf {
        self.root.join("mounts").join(Digest::of(id).hex())
    }
}

/// Returns the bytes of the files below `directory`, or some number above `most` as soon as there are more.
fn size(directory: &Path, most: u64) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path(), most)? } else { metadata.len() };
        if bytes > most {
            break;
        }
    }
    Ok(bytes)
}
