//! What pods are made of that are injected into a cluster: registries, an image, manifests.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use notes_oci::{Image, ImageSink as _, Pinned};
use notes_registry::{Options, Remote};
use notes_testkit::{
    image,
    registry::{Login, TestRegistry},
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    webhook::{self, Denying},
    world::Place,
};

/// What the webhook that refuses everything says.
const REFUSAL: &str = "images have to be signed";

/// How many are injected at a time: a node of two cores starts and ends that many pods without being late itself.
const AT_A_TIME: usize = 6;

/// Returns the cases of a folder of `tests`, of which each is one, or those whose name contains what `variable` says.
pub(crate) fn cases(folder: &str, variable: &str) -> Vec<PathBuf> {
    let only = std::env::var(variable).unwrap_or_default();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let wanted = entries.filter(|entry| entry.file_name().to_str().unwrap().contains(&only));
    wanted.map(|entry| entry.path()).collect()
}

/// Does `work` for each of `cases`, some at a time.
pub(crate) async fn in_turns<C, W>(
    cases: impl IntoIterator<Item = C>,
    mut work: impl FnMut(C) -> W,
) -> Vec<W::Output>
where
    W: Future<Output: Send> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for case in cases {
        let (turns, work) = (Arc::clone(&turns), work(case));
        running.spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            work.await
        });
    }
    running.join_all().await
}

/// The registries and the image of the program.
pub(crate) struct Ground {
    pub(crate) open: TestRegistry,
    pub(crate) private: TestRegistry,
    pub(crate) image: Pinned,
    denying: Denying,
    silent: SocketAddr,
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
        let (denying, silent) = (Denying::start(REFUSAL).unwrap(), webhook::silent().unwrap());
        Some(Self { open, private, image, denying, silent })
    }

    /// Pushes an image that differs from the others by its command, and so by its digest: to `notes-deploy` outside of a repository
    /// that is another commit.
    pub(crate) async fn another(&self, test: &str, command: &[&str]) -> Option<Pinned> {
        let image = image::busybox(test, command)?;
        Some(push(&self.open, "team/web:2", &image).await)
    }

    /// Returns the text of manifests with the names of this run.
    pub(crate) fn manifests(&self, text: &str, place: &Place) -> String {
        text.replace("REGISTRY", self.open.registry().as_str())
            .replace("PRIVATE", self.private.registry().as_str())
            .replace("NAMESPACE", &place.namespace)
            .replace("DENYING", &self.denying.address.to_string())
            .replace("AUTHORITY", &self.denying.authority)
            .replace("SILENT", &self.silent.to_string())
    }
}

async fn push(registry: &TestRegistry, name: &str, image: &Image) -> Pinned {
    let remote = Remote::new(Options::default()).unwrap();
    remote.write(image, &registry.reference(name)).await.unwrap()
}
