//! Faults at random: whatever comes together, a push and a pull end with the right image or with an error, and no tag ever
//! stands on half an image.

use std::{error::Error, time::Duration};

use futures::{StreamExt, stream};
use notes_oci::{Image, ImageSink, ImageSource};
use notes_registry::{Options, Remote};
use notes_testkit::{
    Chance, Distribution, Length, SEED_VARIABLE,
    registry::{Fault, Login, Matching, TestRegistry},
};

use crate::{
    images::{image, image_on, knowing, platform, read_layers},
    store::Store,
};

/// Seeds of the suite when it runs whole.
const SEEDS: u64 = 1000;
/// No byte for so long is a stall here.
const PATIENCE: Duration = Duration::from_millis(150);
/// So many schedules wait at once.
const TOGETHER: usize = 12;

/// What became of the pushes and pulls under fault.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    pushed: usize,
    pulled: usize,
    schedules: usize,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self {
            pushed: self.pushed + other.pushed,
            pulled: self.pulled + other.pulled,
            schedules: self.schedules + other.schedules,
        }
    }
}

/// Returns the seeds to run: the one that is to be repeated, a sample, or all.
fn seeds(test: &str) -> Vec<u64> {
    if let Some(seed) = std::env::var(SEED_VARIABLE).ok().and_then(|text| text.parse().ok()) {
        return vec![seed];
    }
    let sample = Length::from_env().choose(24, SEEDS);
    let first = Chance::new(test).below(SEEDS);
    (first..first + sample).map(|seed| seed % SEEDS).collect()
}

fn fault(chance: &mut Chance) -> Fault {
    let bytes = usize::try_from(chance.below(120_000)).unwrap();
    let status = chance.pick(&[400, 401, 403, 404, 408, 413, 416, 429, 500, 502, 503, 504]);
    match chance.below(16) {
        0 => Fault::Reset,
        1 | 2 => Fault::BreakAfter(bytes),
        3 => Fault::LoseAnswer,
        4 => Fault::Truncate(bytes),
        5 => Fault::Truncate(bytes / 1000),
        6 | 7 => Fault::Status(status),
        8 => Fault::TooManyRequests(0),
        9 => Fault::ExpireTokens,
        10 => Fault::Created,
        11 => Fault::AbsoluteLocation,
        12 => [Fault::WrongDigest, Fault::Corrupt][bytes % 2].clone(),
        13 => Fault::RefuseMount,
        14 => Fault::Drip,
        _ => [Fault::Stall, Fault::StallAfter(bytes)][bytes % 2].clone(),
    }
}

/// Faults for the requests of one push and one pull; some find no request.
fn plan(chance: &mut Chance, registry: &TestRegistry) {
    for _ in 0..=chance.below(9) {
        let (method, path) = chance.pick(&[
            ("GET", "/token"),
            ("HEAD", "/manifests/"),
            ("HEAD", "/blobs/"),
            ("POST", "mount="),
            ("POST", "/uploads/"),
            ("PUT", "/uploads/"),
            ("PUT", "/uploads/"),
            ("PATCH", "/uploads/"),
            ("GET", "/uploads/"),
            ("PUT", "/manifests/"),
            ("GET", "/manifests/"),
            ("GET", "/blobs/"),
            ("GET", "/blobs/"),
        ]);
        registry.plan(Matching::method(method).path(path), fault(chance));
    }
}

async fn pull(
    remote: &Remote,
    registry: &TestRegistry,
    name: &str,
) -> Result<Image, Box<dyn Error>> {
    let image = remote.image(&registry.reference(name), &platform()).await?;
    read_layers(&image).await?;
    Ok(image)
}

/// Runs one schedule against `registry`, what it stores being seen through `store`.
async fn schedule(test: &str, seed: u64, registry: &TestRegistry, store: &Store) -> Tally {
    let mut chance = Chance::with_seed(test, seed);
    let options = Options { patience: PATIENCE, ..knowing(registry) };
    let (base, app) = (format!("s{seed}/base"), format!("s{seed}/app"));
    let calm = Remote::new(knowing(registry)).unwrap();
    let base_name = registry.reference(&format!("{base}:1"));
    calm.write(&image(seed.to_le_bytes()[0], &[20_000]), &base_name).await.unwrap();
    let lower = calm.image(&base_name, &platform()).await.unwrap();
    let image = image_on(&lower, seed.to_le_bytes()[1], &[150_000, 40_000, 10]);

    plan(&mut chance, registry);
    let name = registry.reference(&format!("{app}:1"));
    let pushed = Remote::new(options.clone()).unwrap().write(&image, &name).await;
    let tags = store.whole_tags(&app).await;
    match &pushed {
        Ok(pinned) => {
            assert_eq!(pinned.digest, image.digest(), "seed {seed}");
            assert_eq!(tags, [("1".to_owned(), image.digest())], "seed {seed}");
        }
        // The answer to a manifest may be lost, and the tag stand.
        Err(error) => {
            assert!(error.to_string().contains(&app), "seed {seed}: {error:?}");
            assert!(tags.iter().all(|(_, digest)| *digest == image.digest()), "seed {seed}");
        }
    }
    let under_fault = pull(&Remote::new(options).unwrap(), registry, &format!("{app}:1")).await;
    if let Ok(pulled) = &under_fault {
        assert_eq!(*pulled, image, "seed {seed}");
    }
    registry.forget_plans();
    // Nothing that is left of it is in the way.
    calm.write(&image, &name).await.unwrap();
    assert_eq!(pull(&calm, registry, &format!("{app}:1")).await.unwrap(), image, "seed {seed}");
    assert_eq!(store.whole_tags(&app).await.len(), 1, "seed {seed}");
    Tally {
        pushed: usize::from(pushed.is_ok()),
        pulled: usize::from(under_fault.is_ok()),
        schedules: 1,
    }
}

/// Says what came of it, and that faults neither always nor never won: else they test nothing.
#[expect(clippy::print_stdout, reason = "figures, for who runs it with --nocapture")]
fn conclude(test: &str, tally: Tally) {
    println!("{test}: {tally:?}");
    if tally.schedules > 20 {
        assert!(tally.pushed * 3 > tally.schedules, "{tally:?}");
        assert!(tally.pushed < tally.schedules, "{tally:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_of_the_embedded_registry() {
    let test = "random_faults_of_the_embedded_registry";
    let run = |seed| async move {
        let registry = TestRegistry::with_login(Login::Token).await;
        schedule(test, seed, &registry, &Store::of(&registry).await).await
    };
    let tallies = stream::iter(seeds(test)).map(run).buffer_unordered(TOGETHER);
    conclude(test, tallies.fold(Tally::default(), |all, one| async move { all.and(one) }).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_before_distribution() {
    let test = "random_faults_before_distribution";
    let Some(distribution) = Distribution::start(test) else { return };
    let upstream = distribution.address();
    let run = |seed| async move {
        let registry = TestRegistry::in_front_of(upstream, Login::Token).await;
        schedule(test, seed, &registry, &Store::at(upstream)).await
    };
    let tallies = stream::iter(seeds(test)).map(run).buffer_unordered(TOGETHER);
    conclude(test, tallies.fold(Tally::default(), |all, one| async move { all.and(one) }).await);
}
