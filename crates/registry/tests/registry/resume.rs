//! Uploads that do not go through in one request.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use notes_oci::{
    Blob, ByteStream, Descriptor, DiffId, Digest, History, Image, ImageSink, Layer, MediaType,
};
use notes_registry::{Options, Remote};
use notes_testkit::registry::{Answered, Fault, Matching, TestRegistry};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    images::{hearing, image, options, platform, remote},
    store::Store,
};

const SIZE: usize = 3_000_000;

fn put_of(image: &Image) -> Matching {
    let digest = image.layers()[0].digest().to_string();
    Matching::method("PUT").path(&digest.replace(':', "%3A"))
}

/// The lengths of the bodies that brought bytes of the one layer, with their methods.
fn sent(requests: Vec<Answered>, method: &str) -> Vec<u64> {
    requests
        .into_iter()
        .filter(|it| it.path.contains("/uploads/") && it.method == method)
        .filter_map(|it| it.length)
        .collect()
}

#[tokio::test]
async fn an_upload_that_breaks_off_goes_on_where_it_broke() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[SIZE]);
    registry.plan(put_of(&image), Fault::BreakAfter(2_000_000));
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(registry.pending(), 0);
    let [rest] = sent(registry.requests(), "PATCH")[..] else { panic!("one request brings it") };
    assert!((1..=1_000_000).contains(&rest), "{rest} bytes came again");
    assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);
}

#[tokio::test]
async fn one_that_breaks_off_more_often_than_there_are_tries_arrives_if_it_moves() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[SIZE]);
    registry.plan(put_of(&image), Fault::BreakAfter(300_000));
    for _ in 0..8 {
        registry.plan(Matching::method("PATCH"), Fault::BreakAfter(300_000));
    }
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(registry.pending(), 0);
    assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);
}

#[tokio::test]
async fn an_upload_that_the_registry_has_lost_begins_anew() {
    for status in [404, 400] {
        let registry = TestRegistry::start().await;
        let image = image(1, &[SIZE]);
        registry.plan(put_of(&image), Fault::BreakAfter(2_000_000));
        registry.plan(Matching::method("GET").path("/uploads/"), Fault::Status(status));
        remote().write(&image, &registry.reference("app:1")).await.unwrap();
        assert_eq!(registry.pending(), 0);
        assert_eq!(sent(registry.requests(), "PATCH"), [0; 0]);
        assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);
    }
}

/// A registry that says it has other bytes than it has is not believed twice.
#[tokio::test]
async fn bytes_that_went_wrong_on_the_way_are_sent_again() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[SIZE]);
    registry.plan(put_of(&image), Fault::BreakAfter(2_000_000));
    let refused = Fault::Answer(
        400,
        Vec::new(),
        r#"{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}"#.into(),
    );
    registry.plan(put_of(&image), refused);
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(registry.pending(), 0);
    assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);
}

#[tokio::test]
async fn a_registry_that_asks_for_chunks_gets_them() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[20 << 20]);
    let least = Fault::Header("oci-chunk-min-length", (18 << 20).to_string());
    registry.plan(Matching::method("POST"), least);
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(sent(registry.requests(), "PATCH"), [18 << 20, 2 << 20]);
    assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);
}

#[tokio::test]
async fn what_is_too_large_for_a_proxy_is_cut() {
    let registry = TestRegistry::start().await;
    let image = image(1, &[SIZE]);
    registry.plan(put_of(&image), Fault::Status(413));
    remote().write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(sent(registry.requests(), "PATCH"), [1 << 20, 1 << 20, 902_848]);
    assert_eq!(Store::of(&registry).await.whole_tags("app").await.len(), 1);

    let always = TestRegistry::start().await;
    for _ in 0..9 {
        always.plan(Matching::method("PUT"), Fault::Status(413));
        always.plan(Matching::method("PATCH"), Fault::Status(413));
    }
    let error = remote().write(&image, &always.reference("app:1")).await.unwrap_err();
    assert_eq!(error.request().unwrap().status(), Some(413));
    assert!(error.hint().unwrap().contains("limits the size"), "{error:?}");
}

/// A layer whose bytes come slowly.
struct Slow(Bytes, Duration);

impl Blob for Slow {
    fn open(&self) -> futures::future::BoxFuture<'_, io::Result<ByteStream>> {
        let reader = Trickle { bytes: self.0.clone(), pause: self.1, sleep: None };
        Box::pin(async move { Ok(Box::pin(reader) as ByteStream) })
    }
}

struct Trickle {
    bytes: Bytes,
    pause: Duration,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pause = self.pause;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        futures::ready!(sleep.as_mut().poll(context));
        self.sleep = None;
        let length = self.bytes.len().min(1);
        let piece = self.bytes.split_to(length);
        buffer.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

/// Found by reading: the client's own limit on silence ran while a body was sent, and ended each upload of more than a
/// minute.
#[tokio::test]
async fn an_upload_may_take_longer_than_the_patience() {
    let registry = TestRegistry::start().await;
    let bytes = Bytes::from_static(b"fifteen letters");
    let slow = Slow(bytes.clone(), Duration::from_millis(100));
    let diff_id = DiffId::from(Digest::of(&bytes));
    let layer = Layer::new(Descriptor::of(MediaType::Layer, &bytes), diff_id, slow);
    let image = Image::scratch(platform()).with_layer(layer, History::default());
    let (_, heard) = hearing();
    let patience = Duration::from_secs(1);
    let remote = Remote::new(Options { patience, reporter: heard.clone(), ..options() }).unwrap();
    remote.write(&image, &registry.reference("app:1")).await.unwrap();
    assert_eq!(*heard.retries.lock().unwrap(), []);
}

#[tokio::test]
async fn a_registry_that_falls_silent_is_given_up() {
    let registry = TestRegistry::start().await;
    let name = registry.reference("app:1");
    let options = Options { patience: Duration::from_millis(50), ..options() };
    let remote = Remote::new(options).unwrap();
    for _ in 0..5 {
        registry.plan(Matching::method("HEAD"), Fault::Stall);
    }
    let error = remote.write(&image(1, &[1]), &name).await.unwrap_err();
    let cause = error.request().and_then(std::error::Error::source).unwrap().to_string();
    assert_eq!(cause, "no byte moved for 50ms");
}
