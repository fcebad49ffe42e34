#![doc = include_str!("docs/crate.md")]

mod blob;
mod config;
mod digest;
mod image;
mod image_index;
mod layer;
mod layout;
mod manifest;
mod media;
mod memory;
mod platform;
mod reading;
mod reference;
mod store;

pub use self::{
    blob::{Blob, ByteStream, Origin, Verified, VerifyError},
    config::{Config, Execution, Healthcheck, History, RootFs},
    digest::{DiffId, Digest, DigestError, Hashing},
    image::{Image, ImageError},
    image_index::{ImageIndex, ImageIndexError},
    layer::Layer,
    layout::{FileBlob, Layout, LayoutError},
    manifest::{Descriptor, Index, Manifest, REF_NAME},
    media::{Compression, MediaType},
    memory::{Memory, MemoryError},
    platform::{Platform, PlatformError},
    reading::Reading,
    reference::{Pinned, Reference, ReferenceError, Registry, Repository, Tag},
    store::{ImageSink, ImageSource},
};
