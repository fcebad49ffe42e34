//! The directory of a registry.
//!
//! ```text
//! blobs/sha256/ab/abcd…             content, of blobs and of manifests
//! repositories/<name>/_blobs/<hex>      empty: the repository has the blob
//! repositories/<name>/_manifests/<hex>  the media type of the manifest
//! repositories/<name>/_tags/<tag>       the digest of the manifest
//! repositories/<name>/_referrers/<subject hex>/<hex>  a descriptor
//! repositories/<name>/_uploads/<id>     what has arrived of an upload; a later process can go on with it
//! uploads/<process>/                    files under way, and a lock that tells whether the process lives
//! lock                                  shared by who makes a name lead to content, taken alone by `prune`
//! ```
//!
//! A path component of a repository cannot begin with `_`, so the two kinds of directory never meet.

mod files;
mod listing;
mod locking;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use notes_oci::{Digest, Repository, Tag};

pub(super) use self::files::random_name;
use self::files::{names, read, remove_stale};
use super::{Durability, Mode};

/// What a repository's directory says about its blobs, manifests, tags, referrers and uploads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Blobs,
    Manifests,
    Tags,
    Referrers,
    Uploads,
}

impl Kind {
    fn directory(self) -> &'static str {
        match self {
            Self::Blobs => "_blobs",
            Self::Manifests => "_manifests",
            Self::Tags => "_tags",
            Self::Referrers => "_referrers",
            Self::Uploads => "_uploads",
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
    _lock: Option<Arc<File>>,
}

impl Storage {
    pub(super) fn open(root: &Path, durability: Durability, mode: Mode) -> io::Result<Self> {
        let uploads = root.join("uploads").join(random_name());
        let lock = match mode {
            Mode::ReadWrite => Some(Self::prepare(root, &uploads)?),
            // It may lie where nothing can be written.
            Mode::ReadOnly => fs::read_dir(root.join("repositories")).map(|_| None)?,
        };
        Ok(Self { root: root.to_owned(), uploads, durability, _lock: lock.map(Into::into) })
    }

    fn prepare(root: &Path, uploads: &Path) -> io::Result<File> {
        for directory in ["blobs/sha256", "repositories", "uploads"] {
            fs::create_dir_all(root.join(directory))?;
        }
        remove_stale(&root.join("uploads"))?;
        fs::create_dir(uploads)?;
        let lock = File::create(uploads.join("lock"))?;
        lock.lock()?;
        Ok(lock)
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

    /// Returns the path of a new upload, in a directory that is there.
    pub(super) fn begin_upload(&self, repository: &Repository, id: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(self.directory(repository, Kind::Uploads))?;
        Ok(self.entry(repository, Kind::Uploads, id))
    }

    /// Returns the path of an upload that was begun.
    pub(super) fn upload(&self, repository: &Repository, id: &str) -> Option<PathBuf> {
        // Ours and nothing else: what clients name must not lead to other directories.
        let is_ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = self.entry(repository, Kind::Uploads, id);
        (is_ours && path.exists()).then_some(path)
    }

    /// Moves the finished file `from` to where the content of `digest` lies.
    pub(super) fn adopt_blob(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        self.move_into_place(from, &self.blob_path(digest))
    }

    pub(super) fn write_blob(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        self.write(&self.blob_path(digest), bytes)
    }

    pub(super) fn entry(&self, repository: &Repository, kind: Kind, name: &str) -> PathBuf {
        self.directory(repository, kind).join(name)
    }

    fn directory(&self, repository: &Repository, kind: Kind) -> PathBuf {
        self.root.join("repositories").join(repository.as_str()).join(kind.directory())
    }

    pub(super) fn link_blob(&self, repository: &Repository, digest: &Digest) -> io::Result<()> {
        let directory = self.directory(repository, Kind::Blobs);
        fs::create_dir_all(&directory)?;
        // Empty, so that it is whole as soon as it is there; one that was there is as young as a new one.
        let entry = File::create(directory.join(digest.hex()))?;
        entry.set_modified(SystemTime::now())?;
        self.sync_directory(&directory)
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

    /// Removes a manifest, the tags that lead to it, and its place among the referrers of `subject`. The tags go first.
    pub(super) fn unlink_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        subject: Option<&Digest>,
    ) -> io::Result<bool> {
        for tag in self.tags(repository)?.unwrap_or_default() {
            let text = read(&self.entry(repository, Kind::Tags, &tag))?;
            if text.is_some_and(|text| text == digest.to_string().as_bytes()) {
                self.unlink(repository, Kind::Tags, &tag)?;
            }
        }
        if let Some(subject) = subject {
            let entry = format!("{}/{}", subject.hex(), digest.hex());
            self.unlink(repository, Kind::Referrers, &entry)?;
        }
        self.unlink(repository, Kind::Manifests, &digest.hex())
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
        self.sync_directory(parent)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        match self.durability {
            Durability::Synced => File::open(directory)?.sync_all(),
            Durability::Unsynced => Ok(()),
        }
    }
}
