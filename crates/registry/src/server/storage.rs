//! The directory of a registry.
//!
//! ```text
//! blobs/sha256/ab/abcd…             content, of blobs and of manifests
//! repositories/<name>/_blobs/<hex>      empty: the repository has the blob
//! repositories/<name>/_manifests/<hex>  the media type of the manifest
//! repositories/<name>/_tags/<tag>       the digest of the manifest
//! repositories/<name>/_referrers/<subject hex>/<hex>  a descriptor
//! uploads/<process>/                    files under way, and a lock that tells whether the process lives
//! ```
//!
//! A path component of a repository cannot begin with `_`, so the two kinds of directory never meet.

use std::{
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
};

use notes_oci::{Digest, Repository, Tag};

use super::Durability;

/// What a repository's directory says about its blobs, manifests, tags and referrers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Blobs,
    Manifests,
    Tags,
    Referrers,
}

impl Kind {
    fn directory(self) -> &'static str {
        match self {
            Self::Blobs => "_blobs",
            Self::Manifests => "_manifests",
            Self::Tags => "_tags",
            Self::Referrers => "_referrers",
        }
    }
}

/// The files of a registry. All methods block; handlers call them through [`Storage::run`].
#[derive(Clone, Debug)]
pub(super) struct Storage {
    root: PathBuf,
    uploads: PathBuf,
    durability: Durability,
    /// Held while this process lives; see [`remove_stale`].
    _lock: std::sync::Arc<File>,
}

impl Storage {
    pub(super) fn open(root: &Path, durability: Durability) -> io::Result<Self> {
        for directory in ["blobs/sha256", "repositories", "uploads"] {
            fs::create_dir_all(root.join(directory))?;
        }
        remove_stale(&root.join("uploads"))?;
        let uploads = root.join("uploads").join(random_name());
        fs::create_dir(&uploads)?;
        let lock = File::create(uploads.join("lock"))?;
        lock.lock()?;
        Ok(Self { root: root.to_owned(), uploads, durability, _lock: lock.into() })
    }

    /// Runs `work` where it may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let storage = self.clone();
        tokio::task::spawn_blocking(move || work(&storage)).await.map_err(io::Error::other)?
    }

    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("blobs/sha256").join(&hex[..2]).join(hex)
    }

    /// Returns a new name for a file under way.
    pub(super) fn temporary_path(&self) -> PathBuf {
        self.uploads.join(random_name())
    }

    /// Moves the finished file `from` to where the content of `digest` lies.
    pub(super) fn adopt_blob(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        self.move_into_place(from, &self.blob_path(digest))
    }

    pub(super) fn write_blob(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        self.write(&self.blob_path(digest), bytes)
    }

    fn entry(&self, repository: &Repository, kind: Kind, name: &str) -> PathBuf {
        self.directory(repository, kind).join(name)
    }

    fn directory(&self, repository: &Repository, kind: Kind) -> PathBuf {
        self.root.join("repositories").join(repository.as_str()).join(kind.directory())
    }

    pub(super) fn link_blob(&self, repository: &Repository, digest: &Digest) -> io::Result<()> {
        self.write(&self.entry(repository, Kind::Blobs, &digest.hex()), b"")
    }

    /// Tells whether `repository` has the blob and its content is there.
    pub(super) fn has_blob(&self, repository: &Repository, digest: &Digest) -> bool {
        self.entry(repository, Kind::Blobs, &digest.hex()).exists()
            && self.blob_path(digest).exists()
    }

    /// Tells whether any repository has the blob.
    pub(super) fn has_content(&self, digest: &Digest) -> bool {
        self.blob_path(digest).exists()
    }

    pub(super) fn link_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        media_type: &str,
    ) -> io::Result<()> {
        self.write(&self.entry(repository, Kind::Manifests, &digest.hex()), media_type.as_bytes())
    }

    /// Returns the media type and the bytes of a manifest.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> io::Result<Option<(String, Vec<u8>)>> {
        let media_type = read(&self.entry(repository, Kind::Manifests, &digest.hex()))?;
        let bytes = read(&self.blob_path(digest))?;
        Ok(media_type
            .zip(bytes)
            .map(|(media_type, bytes)| (String::from_utf8_lossy(&media_type).into_owned(), bytes)))
    }

    pub(super) fn tag(&self, repository: &Repository, tag: &Tag) -> io::Result<Option<Digest>> {
        let text = read(&self.entry(repository, Kind::Tags, tag.as_str()))?;
        text.map(|text| {
            String::from_utf8_lossy(&text)
                .parse()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        })
        .transpose()
    }

    pub(super) fn set_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        digest: &Digest,
    ) -> io::Result<()> {
        let path = self.entry(repository, Kind::Tags, tag.as_str());
        self.write(&path, digest.to_string().as_bytes())
    }

    pub(super) fn add_referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        digest: &Digest,
        descriptor: &[u8],
    ) -> io::Result<()> {
        let name = format!("{}/{}", subject.hex(), digest.hex());
        self.write(&self.entry(repository, Kind::Referrers, &name), descriptor)
    }

    /// Returns the descriptors of what refers to `subject`, in a fixed order.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> io::Result<Vec<Vec<u8>>> {
        let directory = self.entry(repository, Kind::Referrers, &subject.hex());
        let paths = names(&directory)?.into_iter().map(|name| directory.join(name));
        paths.filter_map(|path| read(&path).transpose()).collect()
    }

    /// Removes an entry and tells whether there was one. Content stays: other repositories may have it.
    pub(super) fn unlink(
        &self,
        repository: &Repository,
        kind: Kind,
        name: &str,
    ) -> io::Result<bool> {
        match fs::remove_file(self.entry(repository, kind, name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the tags of a repository in byte order, `None` where there is no repository.
    pub(super) fn tags(&self, repository: &Repository) -> io::Result<Option<Vec<String>>> {
        if !self.root.join("repositories").join(repository.as_str()).exists() {
            return Ok(None);
        }
        names(&self.directory(repository, Kind::Tags)).map(Some)
    }

    /// Returns the names of all repositories that have a manifest, in byte order.
    pub(super) fn repositories(&self) -> io::Result<Vec<String>> {
        let root = self.root.join("repositories");
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        while let Some(prefix) = open.pop() {
            for name in names(&root.join(&prefix))? {
                if name == Kind::Manifests.directory() {
                    found.push(prefix.clone());
                } else if !name.starts_with('_') {
                    open.push(if prefix.is_empty() { name } else { format!("{prefix}/{name}") });
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.temporary_path();
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        if self.durability == Durability::Synced {
            file.sync_data()?;
        }
        self.move_into_place(&temporary, path)
    }

    fn move_into_place(&self, from: &Path, to: &Path) -> io::Result<()> {
        let parent = to.parent().expect("every path of a registry lies in its root");
        fs::create_dir_all(parent)?;
        fs::rename(from, to)?;
        match self.durability {
            Durability::Synced => File::open(parent)?.sync_all(),
            Durability::Unsynced => Ok(()),
        }
    }
}

/// Removes what processes that live no more have left behind: their lock can be taken.
fn remove_stale(uploads: &Path) -> io::Result<()> {
    for name in names(uploads)? {
        let directory = uploads.join(name);
        let is_stale = match File::open(directory.join("lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Not locked yet: its owner is starting right now. If it died there, an empty directory stays.
            Err(_) => false,
        };
        if is_stale {
            fs::remove_dir_all(directory)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the names in a directory in byte order; a missing directory is empty.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Returns 32 hexadecimal digits; the standard library seeds its hashers from the system.
pub(super) fn random_name() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
