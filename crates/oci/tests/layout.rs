//! A layout directory as source and sink, through the public API.

use bytes::Bytes;
use notes_oci::{
    Descriptor, DiffId, Digest, History, Image, ImageIndex, ImageSink, ImageSource, Layer, Layout,
    LayoutError, MediaType, Memory, Platform, Reference, VerifyError,
};
use tokio::io::AsyncReadExt;

fn image() -> Image {
    let bytes = Bytes::from_static(b"not really a tar, and nobody here minds");
    let descriptor = Descriptor::of(MediaType::Layer, &bytes);
    let diff_id = DiffId::from(descriptor.digest);
    Image::scratch(Platform::linux("amd64"))
        .with_layer(Layer::new(descriptor, diff_id, bytes), History::default())
}

fn name() -> Reference {
    "example/app:1".parse().unwrap()
}

#[tokio::test]
async fn an_image_passes_through_a_layout_and_memory_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path().join("new")).await.unwrap();
    let pinned = layout.write(&image(), &name()).await.unwrap();
    assert_eq!(pinned.digest, image().digest());

    let read = layout.image(&name(), &Platform::linux("amd64")).await.unwrap();
    let memory = Memory::default();
    memory.write(&read, &name()).await.unwrap();
    let again = memory.image(&name(), &Platform::linux("amd64")).await.unwrap();
    assert_eq!(again, image());
}

#[tokio::test]
async fn writing_a_name_again_replaces_it() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path()).await.unwrap();
    layout.write(&image(), &name()).await.unwrap();
    let changed = image().with_config(|config| config.author = Some("me".into()));
    layout.write(&changed, &name()).await.unwrap();
    assert_eq!(layout.index().await.unwrap().manifests.len(), 1);
    let read = layout.image(&name(), &Platform::linux("amd64")).await.unwrap();
    assert_eq!(read.digest(), changed.digest());
}

fn index() -> ImageIndex {
    let other = image().with_config(|config| config.platform = Platform::linux("arm64"));
    ImageIndex::new([image(), other]).unwrap()
}

#[tokio::test]
async fn an_index_passes_through_a_layout_and_memory_and_gives_each_platform_its_image() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path().join("new")).await.unwrap();
    let memory = Memory::default();
    let pinned = layout.write_index(&index(), &name()).await.unwrap();
    assert_eq!(memory.write_index(&index(), &name()).await.unwrap(), pinned);
    assert_eq!(pinned.digest, index().digest());
    for reference in [name(), pinned.reference()] {
        assert_eq!(layout.image_index(&reference).await.unwrap(), Some(index()));
        for image in index().images() {
            let platform = &image.config().platform;
            assert_eq!(layout.image(&reference, platform).await.unwrap(), *image);
            assert_eq!(memory.image(&reference, platform).await.unwrap(), *image);
        }
        let other = Platform::linux("s390x");
        assert!(layout.image(&reference, &other).await.is_err());
        assert!(memory.image(&reference, &other).await.is_err());
    }
}

#[tokio::test]
async fn an_index_and_an_image_of_one_name_replace_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path()).await.unwrap();
    for _ in 0..2 {
        layout.write(&image(), &name()).await.unwrap();
        let kept = layout.index().await.unwrap().manifests;
        assert_eq!((kept.len(), kept[0].digest), (1, image().digest()));
        assert_eq!(layout.image_index(&name()).await.unwrap(), None);
        layout.write_index(&index(), &name()).await.unwrap();
        let kept = layout.index().await.unwrap().manifests;
        assert_eq!((kept.len(), kept[0].digest), (1, index().digest()));
    }
}

#[tokio::test]
async fn a_layer_that_was_tampered_with_is_not_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::create(directory.path()).await.unwrap();
    layout.write(&image(), &name()).await.unwrap();
    let layer = image().layers()[0].clone();
    let other = vec![b'x'; usize::try_from(layer.size()).unwrap()];
    std::fs::write(layout.blob_path(&layer.digest()), &other).unwrap();

    let read = layout.image(&name(), &Platform::linux("amd64")).await.unwrap();
    let error =
        read.layers()[0].open().await.unwrap().read_to_end(&mut Vec::new()).await.unwrap_err();
    let error: Box<VerifyError> = error.into_inner().unwrap().downcast().unwrap();
    assert_eq!(
        *error,
        VerifyError::Content { expected: layer.digest(), found: Digest::of(&other) }
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let error = Layout::create(directory.path()).await.unwrap_err();
    assert!(matches!(error, LayoutError::NotALayout { .. }), "{error}");

    let layout = Layout::create(directory.path().join("new")).await.unwrap();
    layout.write(&image(), &name()).await.unwrap();
    for (reference, platform) in [("example/app:2", "amd64"), ("example/app:1", "arm64")] {
        let error = layout
            .image(&reference.parse().unwrap(), &Platform::linux(platform))
            .await
            .unwrap_err();
        assert!(matches!(error, LayoutError::NotFound { .. }), "{error}");
    }
}
