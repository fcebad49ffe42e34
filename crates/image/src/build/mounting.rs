//! Cache mounts that machines share: filled with what another one had, where the store has none.

use std::{io, path::Path, sync::Arc};

use notes_oci::{ImageSource, Layer};
use tokio_util::io::SyncIoBridge;

use super::{
    Problem,
    builder::{Builder, lock},
    context::Files,
    run::{self, CacheRequest, Request},
    running::Mount,
};
use crate::{
    cache::{CacheMount, MountUse},
    report::Reporter,
    unpack,
};

/// The contents that a cache mount had elsewhere, opened.
pub(super) struct Shared {
    id: String,
    bytes: Box<dyn io::Read + Send>,
    reporter: Arc<dyn Reporter>,
}

impl Shared {
    /// Writes the contents into a new mount. What cannot be read leaves it as it is without: a cache may be empty at any time.
    pub(super) fn restore(self, directory: &Path) -> Result<(), Problem> {
        let scratch = tempfile::tempdir_in(directory)?;
        match extract(self.bytes, scratch.path()) {
            Ok(()) => adopt(scratch.path(), directory)?,
            Err(error) => {
                let text = format!("the cache mount `{}` begins empty: {error}", self.id);
                self.reporter.warning(&text);
            }
        }
        Ok(())
    }
}

/// Unpacks all of an archive, to the last byte: what was read is checked against its digest there.
fn extract(bytes: Box<dyn io::Read + Send>, target: &Path) -> Result<(), unpack::Error> {
    let damaged = |source| unpack::Error::Archive { source };
    let mut tar = unpack::decompress(bytes).map_err(damaged)?;
    unpack::extract(&mut tar, target)?;
    io::copy(&mut tar, &mut io::sink()).map(drop).map_err(damaged)
}

/// Moves all that is in `from` into `to`, in place of what is there.
fn adopt(from: &Path, to: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if target.is_dir() && !target.is_symlink() {
            std::fs::remove_dir_all(&target)?;
        }
        std::fs::rename(entry.path(), target)?;
    }
    Ok(())
}

impl<S: ImageSource> Builder<'_, S> {
    /// Notes the cache mounts of a step.
    pub(super) async fn note_mounts(
        &self,
        mounts: &[Mount],
        used: MountUse,
    ) -> Result<(), Problem> {
        for (request, files) in mounts {
            if let Request::Cache(cache) = request {
                let mount = self.mount_identity(request, cache, files.as_ref()).await?;
                let mut known = lock(&self.mounts);
                let before = known.entry(mount).or_insert(used);
                *before = used.max(*before);
            }
        }
        Ok(())
    }

    /// Returns what tells a cache mount from others.
    pub(super) async fn mount_identity(
        &self,
        request: &Request,
        cache: &CacheRequest,
        files: Option<&Files>,
    ) -> Result<CacheMount, Problem> {
        let seed = match files {
            Some(files) => Some(self.identity(request, files).await?.digest.to_string()),
            None => None,
        };
        Ok(run::cache_mount(cache, seed.as_deref()))
    }

    /// Opens what a cache mount has elsewhere, where the store has none.
    pub(super) async fn shared_mount(&self, mount: &CacheMount) -> Option<Shared> {
        let shared = self.resources.shared.as_ref()?;
        if self.resources.store.has_cache_mount(&mount.identity) {
            return None;
        }
        let layer: Layer = shared.find_mount(mount).await?;
        let reporter = Arc::clone(&self.resources.reporter);
        reporter.unpacking(&layer.digest().to_string(), layer.size());
        match layer.open().await {
            Ok(bytes) => {
                let bytes = Box::new(SyncIoBridge::new(bytes));
                Some(Shared { id: mount.id.clone(), bytes, reporter })
            }
            Err(error) => {
                let text = format!("the cache mount `{}` begins empty: {error}", mount.id);
                reporter.warning(&text);
                None
            }
        }
    }
}
