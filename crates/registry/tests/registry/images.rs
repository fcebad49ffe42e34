//! Images to push, and remotes that lose no time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use notes_oci::{Descriptor, DiffId, Digest, History, Image, Layer, MediaType, Platform};
use notes_registry::{Blob, Credential, Keychain, Options, Outcome, Remote, Reporter, Retry};
use notes_testkit::registry::{PASSWORD, TestRegistry, USER};
use tokio::io::AsyncReadExt;

/// Returns an image of one layer per size, whose bytes differ by `seed`.
pub(crate) fn image(seed: u8, sizes: &[usize]) -> Image {
    image_on(&Image::scratch(platform()), seed, sizes)
}

/// Returns `base` with one more layer per size, whose bytes differ by `seed`.
pub(crate) fn image_on(base: &Image, seed: u8, sizes: &[usize]) -> Image {
    sizes.iter().enumerate().fold(base.clone(), |image, (index, size)| {
        image.with_layer(layer(seed, index, *size), History::default())
    })
}

pub(crate) fn platform() -> Platform {
    Platform::linux("amd64")
}

fn layer(seed: u8, index: usize, size: usize) -> Layer {
    // No run of it repeats, so that bytes from a wrong offset are noticed.
    let bytes: Bytes = (0..size)
        .map(|offset| {
            (offset.wrapping_mul(31) ^ (offset >> 8)).to_le_bytes()[0]
                ^ seed
                ^ index.to_le_bytes()[0]
        })
        .collect();
    let diff_id = DiffId::from(Digest::of(&bytes));
    Layer::new(Descriptor::of(MediaType::Layer, &bytes), diff_id, bytes)
}

/// Reads all layers to their end, and with that checks them.
pub(crate) async fn read_layers(image: &Image) -> std::io::Result<Vec<u64>> {
    let mut sizes = Vec::new();
    for layer in image.layers() {
        let mut bytes = Vec::new();
        sizes.push(layer.open().await?.read_to_end(&mut bytes).await? as u64);
    }
    Ok(sizes)
}

/// Returns options whose retries wait a millisecond.
pub(crate) fn options() -> Options {
    let retry = Retry {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        ..Retry::default()
    };
    Options { retry, ..Options::default() }
}

pub(crate) fn remote() -> Remote {
    Remote::new(options()).unwrap()
}

/// Returns options that know the password of `registry`.
pub(crate) fn knowing(registry: &TestRegistry) -> Options {
    let credential = Credential::basic(USER, PASSWORD);
    let keychain = Keychain::anonymous().with(registry.registry().clone(), credential, "the test");
    Options { keychain, ..options() }
}

/// Returns a remote that knows the password of `registry`.
pub(crate) fn logged_in(registry: &TestRegistry) -> Remote {
    Remote::new(knowing(registry)).unwrap()
}

/// Remembers what it hears.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) outcomes: Mutex<Vec<Outcome>>,
    pub(crate) warnings: Mutex<Vec<String>>,
    pub(crate) retries: Mutex<Vec<(String, Duration)>>,
}

impl Reporter for Heard {
    fn blob_finished(&self, _: Blob, outcome: Outcome) {
        self.outcomes.lock().unwrap().push(outcome);
    }

    fn retrying(&self, reason: &dyn std::error::Error, delay: Duration) {
        self.retries.lock().unwrap().push((reason.to_string(), delay));
    }

    fn warning(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }
}

pub(crate) fn hearing() -> (Remote, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let remote = Remote::new(Options { reporter: heard.clone(), ..options() }).unwrap();
    (remote, heard)
}
