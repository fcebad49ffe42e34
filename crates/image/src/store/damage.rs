//! What is not as it was made: blobs, which their digests tell, and unpacked layers, which are counted.

use std::{
    collections::BTreeSet,
    fs, io, mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use notes_oci::{DiffId, Digest, Hashing};
use serde::{Deserialize, Serialize};

use super::{Store, draft};

/// The blobs that layers of this process consist of.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<BTreeSet<Digest>>);

impl Used {
    pub(super) fn add(&self, digest: Digest) {
        self.lock().insert(digest);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an unpacked layer is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As it was made, as far as that is known without reading its files.
    Whole,
    /// Names, kinds, sizes or modes differ, or nobody counted them.
    Damaged,
    /// Not there.
    Absent,
}

/// The names, kinds, sizes and modes of an unpacked layer, and when the machine that looked last had started.
///
/// Unpacked layers are not synced: after a power cut files of them can be empty. So they are counted once after each start of
/// the machine, and not for every build.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Census {
    boot: String,
    entries: Digest,
}

impl Census {
    fn of(directory: &Path) -> io::Result<Self> {
        let mut hashing = Hashing::new(());
        count(directory, &mut hashing)?;
        Ok(Self { boot: boot(), entries: hashing.digest() })
    }

    fn read(layer: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(layer)).ok()?).ok()
    }
}

/// Returns the file beside `layer` that says what it has.
pub(super) fn path(layer: &Path) -> PathBuf {
    layer.with_extension("census")
}

/// Adds all that is below `directory`, except what depends on who made it and when.
fn count(directory: &Path, hashing: &mut Hashing<()>) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let metadata = entry.metadata()?;
        let size = if metadata.is_dir() { 0 } else { metadata.len() };
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        for part in [&name.len().to_be_bytes()[..], name, &size.to_be_bytes()] {
            hashing.update(part);
        }
        hashing.update(&metadata.mode().to_be_bytes());
        if metadata.is_dir() {
            count(&entry.path(), hashing)?;
            // The end of the directory.
            hashing.update(&0_usize.to_be_bytes());
        }
    }
    Ok(())
}

/// Returns what is another one after each start of the machine (`random(4)`); nothing where that cannot be read, so that
/// nothing is ever new.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Store {
    /// Looks at the unpacked layer `diff_id`.
    pub fn condition(&self, diff_id: &DiffId) -> io::Result<Condition> {
        let layer = self.layer_path(diff_id);
        if !layer.exists() {
            return Ok(Condition::Absent);
        }
        let Some(known) = Census::read(&layer) else { return Ok(Condition::Damaged) };
        if known.boot == boot() {
            return Ok(Condition::Whole);
        }
        let found = Census::of(&layer)?;
        if found.entries != known.entries {
            return Ok(Condition::Damaged);
        }
        self.keep_census(&layer, &found)?;
        Ok(Condition::Whole)
    }

    /// Writes down what `directory`, which becomes `layer`, has.
    pub(super) fn take_census(&self, directory: &Path, layer: &Path) -> io::Result<()> {
        self.keep_census(layer, &Census::of(directory)?)
    }

    fn keep_census(&self, layer: &Path, census: &Census) -> io::Result<()> {
        let bytes = serde_json::to_vec(census).expect("a census is text");
        draft::write(&self.root, &path(layer), &bytes)
    }

    /// Tells whether the blob `digest` is there with the bytes of its name; one with others is removed.
    pub fn has_sound_blob(&self, digest: &Digest) -> io::Result<bool> {
        let path = self.blob_path(digest);
        let mut file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => Hashing::new(other?),
        };
        io::copy(&mut file, &mut io::sink())?;
        let sound = file.digest() == *digest;
        if !sound {
            fs::remove_file(path)?;
        }
        Ok(sound)
    }

    /// Reads every blob that a layer of this process consists of, and removes those that do not have the bytes of their names:
    /// what made them makes them anew in the next build. Returns their files.
    ///
    /// For when something failed that reads blobs: to read all of them beforehand would double the work of every build.
    pub fn discard_damaged(&self) -> io::Result<Vec<PathBuf>> {
        let used = mem::take(&mut *self.used.lock());
        let mut discarded = Vec::new();
        for digest in used {
            let path = self.blob_path(&digest);
            if path.exists() && !self.has_sound_blob(&digest)? {
                discarded.push(path);
            }
        }
        Ok(discarded)
    }
}
