//! What outlives a build: blobs, unpacked layers and the records of the step cache.
//!
//! ```text
//! <root>/oci-layout, blobs/sha256/<digest>   compressed layers; an image layout as far as blobs go
//! <root>/layers/<diff id>/                   unpacked layers in the form overlayfs mounts
//! <root>/layers/<diff id>.census             what one has, so that it is missed after a power cut
//! <root>/user-layers/<diff id>/              the same, made by who may not set `trusted` attributes: see [`overlay`](crate::overlay)
//! <root>/steps/<key>                         what a step made, as JSON
//! <root>/mounts/<id>/                        directories of `RUN --mount=type=cache`
//! <root>/downloads/<digest of a URL>         what was behind it last, as JSON; the file itself is a blob
//! <root>/drafts/<random>                     what is being written
//! ```
//!
//! Everything is written below `drafts` and renamed, so a name that exists is whole. Each draft is locked by the process
//! that writes it: what a killed build left behind is recognised by its free lock and removed by the next one.

mod damage;
mod download;
mod draft;
mod lock;
mod mounts;
mod prune;
mod unpacked;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_oci::{Descriptor, DiffId, Digest, FileBlob, Layer};

use crate::{
    cache::{CacheKey, LayerCache, Made},
    overlay,
    pack::Packed,
};

pub use damage::Condition;
pub use download::Download;
pub use draft::{Draft, DraftDirectory};
pub use lock::Lock;
pub use mounts::PackMountError;
pub use prune::{PruneError, PruneOptions, Pruned};
pub use unpacked::UnpackError;

use damage::Used;

/// What is in the root of a store.
const DIRECTORIES: [&str; 7] =
    ["blobs/sha256", LAYERS[0], LAYERS[1], "steps", "mounts", "downloads", "drafts"];
/// Unpacked layers with `trusted` attributes, and those without. Neither is understood where the other is written: an
/// overlay would show what an opaque directory hides.
const LAYERS: [&str; 2] = ["layers", "user-layers"];

/// A store in a directory; clones are the same one. Any number of processes may use it at once.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    /// The directory of unpacked layers whose form this process reads and writes.
    layers: &'static str,
    used: Arc<Used>,
    /// Held as long as the store is open, so that `prune` knows.
    _use: Arc<Lock>,
}

/// The error returned when the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("failed to open the store `{}`", path.display())]
pub struct OpenError {
    /// The store's directory, or what in it could not be made.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl Store {
    /// Opens the store at `root`, an absolute path; makes it if it is not there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let root = root.into();
        let prepare = || {
            let lock = Self::prepare(&root)?;
            let trusted = overlay::may_trust(&root.join("drafts"))?;
            Ok((lock, if trusted { LAYERS[0] } else { LAYERS[1] }))
        };
        let (lock, layers) =
            prepare().map_err(|source| OpenError { path: root.clone(), source })?;
        Ok(Self { root, layers, used: Arc::default(), _use: Arc::new(lock) })
    }

    fn prepare(root: &Path) -> io::Result<Lock> {
        for name in DIRECTORIES {
            fs::create_dir_all(root.join(name))?;
        }
        let layout = root.join("oci-layout");
        if !layout.exists() {
            fs::write(layout, r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        let lock = Lock::shared(&root.join("lock"))?;
        draft::sweep(&root.join("drafts"))?;
        Ok(lock)
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file of a blob, whether it is there or not.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Tells whether a blob is there in full length.
    pub fn has_blob(&self, digest: &Digest, size: u64) -> bool {
        fs::metadata(self.blob_path(digest)).is_ok_and(|metadata| metadata.len() == size)
    }

    /// Returns a packed layer, opened from the store when somebody reads it.
    pub fn layer(&self, packed: &Packed) -> Layer {
        let Packed { media_type, digest, size, diff_id } = packed.clone();
        self.used.add(digest);
        let blob = FileBlob { path: self.blob_path(&digest), digest, size };
        Layer::new(Descriptor::new(media_type, digest, size), diff_id, blob)
    }

    /// Starts a blob.
    pub fn draft(&self) -> io::Result<Draft> {
        Draft::new(&self.root)
    }

    /// Starts a directory that is removed unless it becomes a layer.
    pub fn draft_directory(&self) -> io::Result<DraftDirectory> {
        DraftDirectory::new(&self.root.join("drafts"))
    }

    /// Returns where the layer `diff_id` is unpacked, or is to be.
    pub fn layer_path(&self, diff_id: &DiffId) -> PathBuf {
        self.root.join(self.layers).join(diff_id.digest().hex())
    }

    fn step_path(&self, key: &CacheKey) -> PathBuf {
        self.root.join("steps").join(key.hex())
    }
}

impl LayerCache for Store {
    fn find(&self, key: &CacheKey) -> Option<Made> {
        let bytes = fs::read(self.step_path(key)).ok()?;
        let made: Made = serde_json::from_slice(&bytes).ok()?;
        match &made {
            Made::Layer(packed) if !self.has_blob(&packed.digest, packed.size) => None,
            _ => Some(made),
        }
    }

    fn keep(&self, key: &CacheKey, made: &Made) -> io::Result<()> {
        let bytes = serde_json::to_vec(made).expect("a record has text keys and no floats");
        draft::write(&self.root, &self.step_path(key), &bytes)
    }
}
