//! Every fault on every request of a push and of a pull: the right image, or an error that says what is wrong, and never a
//! tag on half an image.

use std::{error::Error, time::Duration};

use futures::{StreamExt, stream};
use notes_oci::{Image, ImageSink, ImageSource, Reference};
use notes_registry::{Options, Remote};
use notes_testkit::registry::{Fault, Login, Matching, TestRegistry};

use crate::{
    images::{image, image_on, knowing, logged_in, platform, read_layers},
    store::Store,
};

/// No byte for so long is a stall here.
const PATIENCE: Duration = Duration::from_millis(300);
/// So many cases wait at once.
const TOGETHER: usize = 24;

/// The layers of the image; the first is large enough to be in the middle of.
const SIZES: [usize; 3] = [400_000, 70_000, 10];

/// What may come of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It passes, or is within the specification: the image arrives.
    Arrives,
    /// The registry is wrong, or refuses: the image arrives, or an error says why not.
    ArrivesOrFails,
}
use Outcome::{Arrives, ArrivesOrFails};

/// Each fault, how often it comes, and what may come of it.
fn faults() -> Vec<(Fault, Outcome)> {
    let passing = [
        Fault::Reset,
        Fault::BreakAfter(1),
        Fault::BreakAfter(100_000),
        Fault::LoseAnswer,
        Fault::Stall,
        Fault::Drip,
        Fault::Status(408),
        Fault::Status(499),
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::Status(522),
        Fault::TooManyRequests(0),
        Fault::ExpireTokens,
        Fault::RefuseMount,
        Fault::IgnoreRange,
        Fault::AbsoluteLocation,
        Fault::Created,
        Fault::Header("oci-chunk-min-length", "100000".into()),
        Fault::Header("warning", "299 - \"closing soon\"".into()),
    ];
    let hostile = [
        Fault::Truncate(0),
        Fault::Truncate(50),
        Fault::StallAfter(50),
        Fault::Status(400),
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(413),
        Fault::Status(416),
        Fault::WrongDigest,
        Fault::Corrupt,
        Fault::PrivateLocation,
        Fault::WithoutHeader("location"),
        Fault::WithoutHeader("docker-content-digest"),
        Fault::WithoutHeader("content-type"),
        Fault::Answer(200, Vec::new(), "<html>please log in</html>".into()),
    ];
    let passing = passing.into_iter().map(|fault| (fault, Arrives));
    passing.chain(hostile.into_iter().map(|fault| (fault, ArrivesOrFails))).collect()
}

/// Returns each kind of request of a push of `image`, one of whose layers is in another repository.
fn requests_of_a_push(image: &Image) -> Vec<Matching> {
    let config = image.manifest().config.digest.to_string();
    let large = image.layers()[1].digest().to_string();
    vec![
        Matching::method("GET").path("/token"),
        Matching::method("HEAD").path("/app/manifests/"),
        Matching::method("HEAD").path(&large),
        Matching::method("HEAD").path(&config),
        Matching::method("POST").path("mount="),
        Matching::method("POST").path("/app/blobs/uploads/"),
        Matching::method("PUT").path(&large.replace(':', "%3A")),
        Matching::method("PUT").path(&config.replace(':', "%3A")),
        Matching::method("PUT").path("/app/manifests/"),
    ]
}

/// Returns each kind of request of a pull of `image`.
fn requests_of_a_pull(image: &Image) -> Vec<Matching> {
    let config = image.manifest().config.digest.to_string();
    let large = image.layers()[1].digest().to_string();
    vec![
        Matching::method("GET").path("/token"),
        Matching::method("HEAD").path("/app/manifests/"),
        Matching::method("GET").path("/app/manifests/"),
        Matching::method("GET").path(&config),
        Matching::method("GET").path(&large),
    ]
}

/// One fault on one request.
#[derive(Debug)]
struct Case {
    /// What comes before, so that the request is made.
    before: Option<(Matching, Fault)>,
    matching: Matching,
    fault: Fault,
    outcome: Outcome,
}

/// A registry with an image to push to `app:1`, whose lowest layer is in another of its repositories.
struct Stage {
    registry: TestRegistry,
    store: Store,
    remote: Remote,
    image: Image,
}

impl Stage {
    async fn new() -> Self {
        let registry = TestRegistry::with_login(Login::Token).await;
        let base = registry.reference("base:1");
        let calm = logged_in(&registry);
        calm.write(&image(9, &[30_000]), &base).await.unwrap();
        let base = calm.image(&base, &platform()).await.unwrap();
        let remote = Remote::new(Options { patience: PATIENCE, ..knowing(&registry) }).unwrap();
        let store = Store::of(&registry).await;
        Self { image: image_on(&base, 1, &SIZES), registry, store, remote }
    }

    fn plan(&self, case: &Case) {
        let before = case.before.clone().into_iter();
        for (matching, fault) in before.chain([(case.matching.clone(), case.fault.clone())]) {
            self.registry.plan(matching, fault);
        }
    }

    /// Pushes, and checks what the registry has then.
    async fn push(&self, case: &Case) {
        self.plan(case);
        let name = self.registry.reference("app:1");
        let pushed = self.remote.write(&self.image, &name).await;
        judge(case, pushed.as_ref().map_err(|error| error as &dyn Error).err());
        let tags = self.store.whole_tags("app").await;
        let expected = ("1".to_owned(), self.image.digest());
        assert!(tags.iter().all(|tag| *tag == expected), "{case:?}: {tags:?}");
        assert!(pushed.is_err() || tags == [expected.clone()], "{case:?}: {tags:?}");
        self.registry.forget_plans();
        self.remote.write(&self.image, &name).await.unwrap();
        assert_eq!(self.store.whole_tags("app").await, [expected], "{case:?}");
    }

    /// Pulls what was pushed before, to the last byte.
    async fn pull(&self, case: &Case) {
        let name = self.registry.reference("app:1");
        self.remote.write(&self.image, &name).await.unwrap();
        // Another one, which has no token yet.
        let remote =
            Remote::new(Options { patience: PATIENCE, ..knowing(&self.registry) }).unwrap();
        self.plan(case);
        let pulled = pull(&remote, &name).await;
        judge(case, pulled.as_ref().err().map(AsRef::as_ref));
        if let Ok(image) = pulled {
            assert_eq!(image, self.image, "{case:?}");
        }
    }
}

async fn pull(remote: &Remote, name: &Reference) -> Result<Image, Box<dyn Error>> {
    let resolved = remote.resolve(name).await?;
    let image = remote.image(&resolved.reference(), &platform()).await?;
    assert_eq!(read_layers(&image).await?, [30_000, 400_000, 70_000, 10]);
    Ok(image)
}

fn judge(case: &Case, error: Option<&dyn Error>) {
    let Some(error) = error else { return };
    assert_eq!(case.outcome, ArrivesOrFails, "{case:?}: {error:?}");
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    let said = format!("{error}: {source}");
    assert!(said.contains("app") || said.contains("sha256:"), "{case:?}: {said}");
}

/// Makes a case of each fault and each request.
fn cases(before: Option<&(Matching, Fault)>, requests: &[Matching]) -> Vec<Case> {
    let faults = faults();
    let each = faults.iter().flat_map(|(fault, outcome)| {
        requests.iter().map(move |matching| Case {
            before: before.cloned(),
            matching: matching.clone(),
            fault: fault.clone(),
            outcome: *outcome,
        })
    });
    each.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_request_of_a_push() {
    let image = Stage::new().await.image;
    let cases = cases(None, &requests_of_a_push(&image));
    let run = |case: Case| async move { Stage::new().await.push(&case).await };
    stream::iter(cases).map(run).buffer_unordered(TOGETHER).collect::<()>().await;
}

/// What is sent of a blob that broke off in its middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_request_of_an_upload_that_is_resumed() {
    let image = Stage::new().await.image;
    let large = image.layers()[1].digest().to_string().replace(':', "%3A");
    let before = (Matching::method("PUT").path(&large), Fault::BreakAfter(100_000));
    let requests = [
        Matching::method("GET").path("/app/blobs/uploads/"),
        Matching::method("PATCH").path("/app/blobs/uploads/"),
        Matching::method("PUT").path(&large),
    ];
    let cases = cases(Some(&before), &requests);
    let run = |case: Case| async move { Stage::new().await.push(&case).await };
    stream::iter(cases).map(run).buffer_unordered(TOGETHER).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_request_of_a_pull() {
    let image = Stage::new().await.image;
    let large = image.layers()[1].digest().to_string();
    let before = (Matching::method("GET").path(&large), Fault::Truncate(100_000));
    let mut cases = cases(None, &requests_of_a_pull(&image));
    // What is asked for of a blob that broke off in its middle.
    cases.extend(self::cases(Some(&before), &[Matching::method("GET").path(&large)]));
    let run = |case: Case| async move { Stage::new().await.pull(&case).await };
    stream::iter(cases).map(run).buffer_unordered(TOGETHER).collect::<()>().await;
}
