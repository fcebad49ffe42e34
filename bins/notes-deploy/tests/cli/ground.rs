//! What pods are made of that are injected into a cluster: registries, an image, manifests.

use notes_oci::{Image, ImageSink as _, Pinned};
use notes_registry::{Options, Remote};
use notes_testkit::{
    image,
    registry::{Login, TestRegistry},
};

use crate::world::Place;

/// The registries and the image of the program.
pub(crate) struct Ground {
    pub(crate) open: TestRegistry,
    pub(crate) private: TestRegistry,
    pub(crate) image: Pinned,
}

impl Ground {
    /// Starts the registries and pushes the images, or says why `test` is skipped.
    pub(crate) async fn prepare(test: &str) -> Option<Self> {
        Place::find(test).await?;
        let (open, private) =
            (TestRegistry::start().await, TestRegistry::with_login(Login::Basic).await);
        let (own, foreign) = (image::busybox(test, &["true"])?, image::foreign(test)?);
        push(&open, "team/foreign:1", &foreign).await;
        let image = push(&open, "team/web:1", &own).await;
        Some(Self { open, private, image })
    }

    /// Returns the text of manifests with the names of this run.
    pub(crate) fn manifests(&self, text: &str, place: &Place) -> String {
        text.replace("REGISTRY", self.open.registry().as_str())
            .replace("PRIVATE", self.private.registry().as_str())
            .replace("NAMESPACE", &place.namespace)
    }
}

async fn push(registry: &TestRegistry, name: &str, image: &Image) -> Pinned {
    let remote = Remote::new(Options::default()).unwrap();
    remote.write(image, &registry.reference(name)).await.unwrap()
}
