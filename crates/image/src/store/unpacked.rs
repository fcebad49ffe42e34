//! Unpacked layers: made once, by whoever needs them first.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use notes_oci::{DiffId, Digest, Layer};
use tokio_util::io::SyncIoBridge;

use super::{Condition, DraftDirectory, Store, lock::Lock};
use crate::{overlay::Layers, unpack};

/// The error returned when a layer cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// Its bytes could not be opened or read.
    #[error("failed to read layer {digest}")]
    Read {
        /// The layer.
        digest: Digest,
        /// Why not.
        source: io::Error,
    },
    /// What is in it could not be written.
    #[error("failed to unpack layer {digest}")]
    Unpack {
        /// The layer.
        digest: Digest,
        /// Why not.
        source: unpack::Error,
    },
    /// The store could not be written.
    #[error("failed to write the store")]
    Store {
        /// Why not.
        source: io::Error,
    },
}

impl Store {
    /// Returns the directory of an unpacked layer, after unpacking it if nobody has yet or if it is
    /// [damaged](Condition::Damaged). Its bytes come from the store if they are there, and from the layer's own source if not,
    /// without being kept.
    pub async fn unpacked(&self, layer: &Layer) -> Result<PathBuf, UnpackError> {
        let path = self.layer_path(&layer.diff_id());
        let failed = |source| UnpackError::Store { source };
        if self.condition(&layer.diff_id()).map_err(failed)? == Condition::Whole {
            return Ok(path);
        }
        let digest = layer.digest();
        let bytes = layer.open().await.map_err(|source| UnpackError::Read { digest, source })?;
        // The bridge needs the runtime it is made in; the work itself blocks, and has a thread for that.
        let bytes = SyncIoBridge::new(bytes);
        let (store, diff_id) = (self.clone(), layer.diff_id());
        tokio::task::spawn_blocking(move || store.unpack(bytes, digest, diff_id, path))
            .await
            .unwrap_or_else(|panic| Err(UnpackError::Store { source: io::Error::other(panic) }))
    }

    /// Returns what `layers`, bottom first, merge into; those that are not unpacked yet are.
    pub async fn files(&self, layers: &[Layer]) -> Result<Layers, UnpackError> {
        let mut directories = Vec::with_capacity(layers.len());
        for layer in layers {
            directories.push(self.unpacked(layer).await?);
        }
        Ok(Layers::new(directories))
    }

    fn unpack(
        &self,
        bytes: impl io::Read,
        digest: Digest,
        diff_id: DiffId,
        path: PathBuf,
    ) -> Result<PathBuf, UnpackError> {
        let failed = |source| UnpackError::Store { source };
        let lock = path.with_extension("lock");
        // Two builds that need one layer: the second waits and finds it.
        let _lock = Lock::exclusive(&lock).map_err(failed)?;
        match self.condition(&diff_id).map_err(failed)? {
            Condition::Whole => return Ok(path),
            Condition::Damaged => self.set_aside(&path).map_err(failed)?,
            Condition::Absent => {}
        }
        let draft = self.draft_directory().map_err(failed)?;
        unpack::unpack(bytes, &draft.files(), &diff_id)
            .map_err(|source| UnpackError::Unpack { digest, source })?;
        self.publish(draft, &path).map_err(failed)?;
        Ok(path)
    }

    /// Keeps what a command changed as the unpacked form of the layer it became.
    ///
    /// NB: not synced. Unpacked layers follow from blobs; after a power cut `prune` with a size of 0 removes them all.
    pub fn adopt(&self, draft: DraftDirectory, diff_id: &DiffId) -> io::Result<()> {
        self.publish(draft, &self.layer_path(diff_id))
    }

    fn publish(&self, draft: DraftDirectory, layer: &Path) -> io::Result<()> {
        // Before the layer is there: one that nobody counted is damaged.
        self.take_census(&draft.files(), layer)?;
        draft.publish(layer)
    }

    /// Takes a damaged layer out of the way, whole: it may be large, and a removal can be interrupted.
    fn set_aside(&self, layer: &Path) -> io::Result<()> {
        let draft = self.draft_directory()?;
        fs::rename(layer, draft.scratch("damaged"))
    }
}
