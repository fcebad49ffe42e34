//! An image-layout directory (image-spec, image-layout.md) as source and sink.

use std::{
    io, panic,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use tokio::{
    fs,
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use crate::{
    blob::{Blob, ByteStream, Verified},
    digest::Digest,
    image::{Image, ImageError},
    image_index::ImageIndex,
    layer::Layer,
    manifest::{Descriptor, Index, REF_NAME},
    platform::Platform,
    reading::Reading,
    reference::{Pinned, Reference},
    store::{ImageSink, ImageSource},
};

/// The file that says which version of the layout this is.
const VERSION_FILE: &str = "oci-layout";
/// Its content for version 1.0.0.
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// So many layers are written at once: they come from registries, which take time to answer.
const PARALLEL: usize = 4;
/// Bytes written at once.
const PIECE: usize = 512 * 1024;

/// A directory with `oci-layout`, `index.json` and `blobs/sha256/`.
///
/// Files are written under another name first and then renamed, blobs before the index; a reader never sees half a
/// file, nor an image whose blobs are missing. Two writers of one layout at once would lose one's entry of the index.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

/// The error returned when a layout directory is read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The directory is no layout.
    #[error("`{}` is not an image layout: it has no `oci-layout` file of version 1", path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
    },
    /// The layout has no such image.
    #[error("the layout `{}` has no image `{reference}` for {platform}", path.display())]
    NotFound {
        /// The directory.
        path: PathBuf,
        /// What was asked for.
        reference: Reference,
        /// The platform asked for.
        platform: Platform,
    },
    /// A JSON file of the layout is malformed.
    #[error("`{}` cannot be read", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A blob holds other bytes than its name says.
    #[error("`{}` holds other bytes, of digest {found}", path.display())]
    Corrupt {
        /// The blob's file.
        path: PathBuf,
        /// The digest of what is in it.
        found: Digest,
    },
    /// The parts of an image do not belong together.
    #[error("`{reference}` cannot be read")]
    Image {
        /// What was asked for.
        reference: Reference,
        /// Why not.
        source: ImageError,
    },
    /// A layer could not be read while an image was written.
    #[error("failed to read layer {digest}")]
    Layer {
        /// The layer.
        digest: Digest,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("failed to access `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Adds the path to an I/O error.
fn at(path: &Path) -> impl FnOnce(io::Error) -> LayoutError + '_ {
    |source| LayoutError::Io { path: path.into(), source }
}

impl Layout {
    /// Opens an existing layout.
    ///
    /// # Errors
    ///
    /// [`LayoutError::NotALayout`] where its version file is missing or of another version.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = root.into();
        let version = fs::read(root.join(VERSION_FILE)).await.unwrap_or_default();
        let version: serde_json::Value = serde_json::from_slice(&version).unwrap_or_default();
        if version["imageLayoutVersion"].as_str().is_none_or(|version| !version.starts_with("1.")) {
            return Err(LayoutError::NotALayout { path: root });
        }
        Ok(Self { root })
    }

    /// Opens a layout, which is made where there is nothing or an empty directory.
    pub async fn create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: root.into() };
        let blobs = layout.root.join("blobs/sha256");
        match fs::read_dir(&layout.root).await {
            Ok(mut entries) => {
                if entries.next_entry().await.map_err(at(&layout.root))?.is_some() {
                    return Self::open(layout.root).await;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&layout.root)(error)),
        }
        fs::create_dir_all(&blobs).await.map_err(at(&blobs))?;
        layout
            .write_file(&layout.root.join("index.json"), &to_json(&Index::new(Vec::new())))
            .await?;
        layout.write_file(&layout.root.join(VERSION_FILE), VERSION.as_bytes()).await?;
        Ok(layout)
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file of a blob, whether it is there or not.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Returns the index.
    pub async fn index(&self) -> Result<Index, LayoutError> {
        let path = self.root.join("index.json");
        let bytes = fs::read(&path).await.map_err(at(&path))?;
        serde_json::from_slice(&bytes).map_err(|source| LayoutError::Json { path, source })
    }

    async fn read_blob(&self, digest: &Digest) -> Result<Bytes, LayoutError> {
        let path = self.blob_path(digest);
        let bytes = fs::read(&path).await.map_err(at(&path))?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(LayoutError::Corrupt { path, found });
        }
        Ok(bytes.into())
    }

    async fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
        let temporary = temporary(path);
        fs::write(&temporary, bytes).await.map_err(at(&temporary))?;
        fs::rename(&temporary, path).await.map_err(at(path))
    }

    async fn write_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), LayoutError> {
        let path = self.blob_path(digest);
        if fs::try_exists(&path).await.map_err(at(&path))? {
            return Ok(());
        }
        self.write_file(&path, bytes).await
    }

    async fn write_layer(&self, layer: &Layer) -> Result<(), LayoutError> {
        let path = self.blob_path(&layer.digest());
        if fs::metadata(&path).await.is_ok_and(|metadata| metadata.len() == layer.size()) {
            return Ok(());
        }
        let failed = |source| LayoutError::Layer { digest: layer.digest(), source };
        // A blob vouches for its bytes where they end (`Blob::open`): they are not checked twice.
        let mut bytes = layer.open().await.map_err(failed)?;
        let temporary = temporary(&path);
        let mut file = fs::File::create(&temporary).await.map_err(at(&temporary))?;
        if let Err(source) = copy(&mut bytes, &mut file).await {
            // The partial file is of no use; that it is gone matters less than why it is not whole.
            let _ = fs::remove_file(&temporary).await;
            return Err(failed(source));
        }
        fs::rename(&temporary, &path).await.map_err(at(&path))
    }

    /// Returns the index that `reference` names, with all its images; `None` where it names an image, or nothing.
    pub async fn image_index(
        &self,
        reference: &Reference,
    ) -> Result<Option<ImageIndex>, LayoutError> {
        let index = self.index().await?;
        let mut named = index.manifests.iter().filter(|it| is_named(it, reference));
        let Some(descriptor) = named.find(|it| it.media_type.is_index()) else { return Ok(None) };
        let bytes = self.read_blob(&descriptor.digest).await?;
        let document: Index =
            serde_json::from_slice(&bytes).map_err(self.json(&descriptor.digest))?;
        let mut images = Vec::with_capacity(document.manifests.len());
        for manifest in &document.manifests {
            let bytes = self.read_blob(&manifest.digest).await?;
            images.push(self.read_image(bytes, reference).await?);
        }
        Ok(Some(ImageIndex::of_read(document, bytes, images)))
    }

    /// Adds the blob's path to an error of its JSON.
    fn json(&self, digest: &Digest) -> impl FnOnce(serde_json::Error) -> LayoutError {
        let path = self.blob_path(digest);
        |source| LayoutError::Json { path, source }
    }

    /// Returns the image that the manifest `bytes` describes.
    async fn read_image(&self, bytes: Bytes, reference: &Reference) -> Result<Image, LayoutError> {
        let unreadable = |source| LayoutError::Image { reference: reference.clone(), source };
        let reading = Reading::of(bytes).map_err(unreadable)?;
        let config = self.read_blob(&reading.config().digest).await?;
        let file = |layer: &Descriptor| {
            Arc::new(FileBlob {
                path: self.blob_path(&layer.digest),
                digest: layer.digest,
                size: layer.size,
            }) as Arc<dyn Blob>
        };
        reading.finish(config, file).map_err(unreadable)
    }

    async fn write_image(&self, image: &Image) -> Result<(), LayoutError> {
        self.write_layers(image.layers()).await?;
        self.write_blob(&image.manifest().config.digest, image.config_bytes()).await?;
        self.write_blob(&image.digest(), image.manifest_bytes()).await
    }

    /// Writes each layer in a task of its own, since checking its bytes keeps a core busy.
    async fn write_layers(&self, layers: &[Layer]) -> Result<(), LayoutError> {
        let mut writing = JoinSet::new();
        for layer in layers {
            if writing.len() == PARALLEL {
                written(&mut writing).await?;
            }
            let (layout, layer) = (self.clone(), layer.clone());
            writing.spawn(async move { layout.write_layer(&layer).await });
        }
        while !writing.is_empty() {
            written(&mut writing).await?;
        }
        Ok(())
    }

    /// Gives what `descriptor` points at a name, instead of what had it and is replaced.
    async fn name(
        &self,
        mut descriptor: Descriptor,
        reference: &Reference,
        replaces: impl Fn(&Descriptor) -> bool,
    ) -> Result<Pinned, LayoutError> {
        let pinned = reference.pin(descriptor.digest);
        let name = reference.to_string();
        let mut index = self.index().await?;
        index
            .manifests
            .retain(|known| known.annotations.get(REF_NAME) != Some(&name) || !replaces(known));
        descriptor.annotations.insert(REF_NAME.into(), name);
        index.manifests.push(descriptor);
        self.write_file(&self.root.join("index.json"), &to_json(&index)).await?;
        Ok(pinned)
    }

    /// Finds the manifest that `reference` names for `platform`.
    fn find<'a>(
        index: &'a Index,
        reference: &Reference,
        platform: &Platform,
    ) -> Option<&'a Descriptor> {
        let fits = |descriptor: &&Descriptor| {
            descriptor.platform.as_ref().is_none_or(|offered| platform.accepts(offered))
        };
        index.manifests.iter().filter(|it| is_named(it, reference)).find(fits)
    }

    async fn manifest_of(
        &self,
        descriptor: &Descriptor,
        platform: &Platform,
    ) -> Result<Option<Bytes>, LayoutError> {
        let bytes = self.read_blob(&descriptor.digest).await?;
        if !descriptor.media_type.is_index() {
            return Ok(Some(bytes));
        }
        let index: Index = serde_json::from_slice(&bytes).map_err(self.json(&descriptor.digest))?;
        match index.select(platform) {
            Some(manifest) => self.read_blob(&manifest.digest).await.map(Some),
            None => Ok(None),
        }
    }
}

impl ImageSource for Layout {
    type Error = LayoutError;

    async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, LayoutError> {
        let not_found = || LayoutError::NotFound {
            path: self.root.clone(),
            reference: reference.clone(),
            platform: platform.clone(),
        };
        let index = self.index().await?;
        let descriptor = Self::find(&index, reference, platform).ok_or_else(not_found)?;
        let bytes = self.manifest_of(descriptor, platform).await?.ok_or_else(not_found)?;
        self.read_image(bytes, reference).await
    }
}

impl ImageSink for Layout {
    type Error = LayoutError;

    async fn write(&self, image: &Image, reference: &Reference) -> Result<Pinned, LayoutError> {
        self.write_image(image).await?;
        let descriptor = image.descriptor();
        // An image of another platform under the same name stays; an index is about all of them.
        let replaces = |known: &Descriptor| {
            known.platform == descriptor.platform || known.media_type.is_index()
        };
        self.name(descriptor.clone(), reference, replaces).await
    }

    async fn write_index(
        &self,
        index: &ImageIndex,
        reference: &Reference,
    ) -> Result<Pinned, LayoutError> {
        for image in index.images() {
            self.write_image(image).await?;
        }
        self.write_blob(&index.digest(), index.bytes()).await?;
        self.name(index.descriptor(), reference, |_| true).await
    }
}

/// A blob in a file, checked while it is read.
#[derive(Clone, Debug)]
pub struct FileBlob {
    /// The file.
    pub path: PathBuf,
    /// The digest its bytes must have.
    pub digest: Digest,
    /// The number of bytes it must have.
    pub size: u64,
}

impl Blob for FileBlob {
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move {
            let file = fs::File::open(&self.path).await?;
            Ok(Box::pin(Verified::new(file, self.digest, self.size)) as ByteStream)
        })
    }
}

/// Waits for the next layer that is written, or fails to be.
async fn written(writing: &mut JoinSet<Result<(), LayoutError>>) -> Result<(), LayoutError> {
    match writing.join_next().await {
        Some(Err(ended)) => panic::resume_unwind(ended.into_panic()),
        Some(Ok(written)) => written,
        None => Ok(()),
    }
}

/// Copies in large pieces: each is a task of its own for the threads that may block.
async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut fs::File) -> io::Result<()> {
    let mut piece = BytesMut::with_capacity(PIECE);
    loop {
        while piece.len() < PIECE && from.read_buf(&mut piece).await? > 0 {}
        if piece.is_empty() {
            return to.flush().await;
        }
        to.write_all(&piece).await?;
        piece.clear();
    }
}

/// Tells whether `reference` names an entry: by digest, by full name, or by tag, as different tools write it.
fn is_named(descriptor: &Descriptor, reference: &Reference) -> bool {
    match (&reference.digest, descriptor.annotations.get(REF_NAME)) {
        (Some(digest), _) => descriptor.digest == *digest,
        (None, Some(name)) => {
            *name == reference.to_string()
                || reference.tag.as_ref().is_some_and(|tag| tag.as_str() == name)
        }
        (None, None) => false,
    }
}

/// Returns a name beside `path` that no other writer uses.
fn temporary(path: &Path) -> PathBuf {
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{number}", std::process::id()))
}

fn to_json(index: &Index) -> Vec<u8> {
    serde_json::to_vec(index).expect("an index has text keys and no floats")
}
