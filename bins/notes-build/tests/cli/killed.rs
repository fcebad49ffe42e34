//! A registry that is killed at any moment of a push: what it serves afterwards is whole.

use std::{thread, time::Instant};

use bytes::Bytes;
use notes_oci::{
    Descriptor, DiffId, Digest, History, Image, ImageSink as _, ImageSource as _, Layer, MediaType,
    Platform,
};
use notes_registry::{Options, Remote, Retry};
use notes_testkit::Chance;
use tokio::io::AsyncReadExt as _;

use crate::{serving::Serving, world::World};

/// A remote that gives up at once.
fn remote() -> Remote {
    let retry = Retry { tries: 1, ..Retry::default() };
    Remote::new(Options { retry, ..Options::default() }).unwrap()
}

/// An image of layers that no other round has.
fn image(chance: &mut Chance) -> Image {
    (0..6).fold(Image::scratch(Platform::native()), |image, _| {
        let words = 1 + chance.below(60_000);
        let bytes: Vec<u8> =
            (0..words).flat_map(|_| chance.below(u64::MAX).to_le_bytes()).collect();
        let diff_id = DiffId::from(Digest::of(&bytes));
        let bytes = Bytes::from(bytes);
        let layer = Layer::new(Descriptor::of(MediaType::Layer, &bytes), diff_id, bytes);
        image.with_layer(layer, History::default())
    })
}

/// Pulls an image as a whole; reading it checks every byte.
async fn pulls(name: &str) -> Option<Digest> {
    let image = remote().image(&name.parse().unwrap(), &Platform::native()).await;
    let image = match image {
        Ok(image) => image,
        Err(error) if error.is_not_found() => return None,
        Err(error) => panic!("{name}: {error}"),
    };
    for layer in image.layers() {
        layer.open().await.unwrap().read_to_end(&mut Vec::new()).await.unwrap();
    }
    Some(image.digest())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_killed_at_any_moment_has_whole_images_only() {
    let test = "a_registry_killed_at_any_moment_has_whole_images_only";
    let Some(world) = World::new(test).await else { return };
    let mut chance = Chance::new(test);
    let serving = Serving::start(&world, &[]);
    let begun = Instant::now();
    let name = format!("{}/app:first", serving.address).parse().unwrap();
    remote().write(&image(&mut chance), &name).await.unwrap();
    let took = begun.elapsed();
    drop(serving);
    let mut acknowledged = Vec::new();
    for round in chance.rounds(5, 50) {
        let (image, moment) = (image(&mut chance), chance.moment(took + took / 4));
        let mut serving = Serving::start(&world, &[]);
        let name = format!("{}/app:{round}", serving.address).parse().unwrap();
        let push = tokio::spawn({
            let image = image.clone();
            async move { remote().write(&image, &name).await.is_ok() }
        });
        thread::sleep(moment);
        serving.kill("KILL");
        drop(serving);
        if push.await.unwrap() {
            acknowledged.push(round);
        }
        let serving = Serving::start(&world, &[]);
        let name = |round| format!("{}/app:{round}", serving.address);
        let context = format!("round {round}, killed after {moment:?} of {took:?}");
        let found = pulls(&name(round)).await;
        assert!(found.is_none_or(|found| found == image.digest()), "{context}");
        for earlier in &acknowledged {
            assert!(pulls(&name(*earlier)).await.is_some(), "{context}: {earlier} is gone");
        }
        // The same push goes through, whatever the first has left.
        remote().write(&image, &name(round).parse().unwrap()).await.unwrap();
        assert_eq!(pulls(&name(round)).await, Some(image.digest()), "{context}");
        acknowledged.push(round);
    }
}
