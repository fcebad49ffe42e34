//! SIGKILL at any moment, and many builds at once: one store, the right digests, and nothing that piles up in it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use notes_testkit::{Chance, Length};

use crate::world::World;

/// A word that is in the environment of everything that the builds run.
const MARK: &str = "killed-at-any-moment";
/// How many images can be made of the commit.
const VARIANTS: u64 = 4;
/// Drafts younger than this may be another build's.
const GRACE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_build_leaves_nothing_that_a_later_one_trips_on() {
    let test = "a_killed_build_leaves_nothing_that_a_later_one_trips_on";
    let Some(world) = World::with_base(test).await else { return };
    let mut chance = Chance::new(test);
    commit(&world, &mut chance);
    let begun = Instant::now();
    let digests: Vec<String> =
        (0..VARIANTS).map(|variant| good(&world, "alone", variant, &[])).collect();
    let took = begun.elapsed() / u32::try_from(VARIANTS).unwrap();
    let mounts = mounts();
    for round in chance.rounds(3, 200) {
        let variant = chance.below(VARIANTS);
        let digest = &digests[usize::try_from(variant).unwrap()];
        // Everything is done again: over what is there, from nothing, or from what a killed prune left.
        let more: &[&str] = chance.pick(&[&["--no-cache"][..], &["--no-cache"], &[]]);
        if more.is_empty() {
            prune(&world, "store");
        } else if chance.below(4) == 0 {
            kill_prune(&world, "store", chance.moment(took / 10));
        }
        let moment = chance.moment(took + took / 10);
        let mut child = build(&world, "store", variant, more);
        thread::sleep(moment);
        // Fails where it has ended already, which is as good.
        let _ = child.kill();
        let _ = child.wait_with_output().unwrap();
        let context = format!("round {round}, variant {variant}, {more:?}, after {moment:?}");
        assert_eq!(world.running(MARK), <[String; 0]>::default(), "{context}");
        assert_eq!(world.temporary_files(), <[String; 0]>::default(), "{context}");
        assert_eq!(&good(&world, "store", variant, &[]), digest, "{context}");
    }
    assert_eq!(self::mounts(), mounts, "no mount is left");
    for variant in 0..VARIANTS {
        good(&world, "store", variant, &[]);
    }
    age(&drafts(&world, "store"));
    good(&world, "store", 0, &[]);
    assert_eq!(drafts(&world, "store"), <[PathBuf; 0]>::default(), "drafts are reclaimed");
    assert_eq!(kept(&world, "store"), kept(&world, "alone"), "nothing else is in the store");
    prune(&world, "store");
    assert_eq!(kept(&world, "store"), BTreeSet::new(), "prune empties it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_builds_at_once_share_a_store() {
    let test = "eight_builds_at_once_share_a_store";
    let Some(world) = World::with_base(test).await else { return };
    let mut chance = Chance::new(test);
    commit(&world, &mut chance);
    let digests: Vec<String> =
        (0..VARIANTS).map(|variant| good(&world, "alone", variant, &[])).collect();
    for round in chance.rounds(1, 20) {
        // The same input twice, or eight times, in a store that has nothing or everything of it.
        let variants = chance.pick(&[1, VARIANTS]);
        let more: &[&str] = chance.pick(&[&[][..], &["--no-cache"]]);
        let store = format!("store-{}", round % 3);
        let children: Vec<_> = (0..8)
            .map(|number| number % variants)
            .map(|variant| (variant, build(&world, &store, variant, more)))
            .collect();
        for (variant, child) in children {
            let ended = world.normalize(&child.wait_with_output().unwrap());
            let digest = &digests[usize::try_from(variant).unwrap()];
            assert_eq!(ended.digest(), digest, "round {round}, {variants} variants, {more:?}");
        }
        assert_eq!(drafts(&world, &store), <[PathBuf; 0]>::default(), "round {round}");
    }
}

/// Commits a Dockerfile with every kind of step that writes to the store.
fn commit(world: &World, chance: &mut Chance) {
    // Bytes that do not compress: there is something to pack and to push.
    let words = Length::from_env().choose(1 << 17, 1 << 18);
    let bytes: Vec<u8> = (0..words).flat_map(|_| chance.below(u64::MAX).to_le_bytes()).collect();
    world.repository.write("data", &bytes);
    world.commit(&format!(
        "FROM busybox:1 AS first\nENV MARK={MARK}\nARG VARIANT=0\nCOPY data /data\n\
         RUN --mount=type=cache,target=/cache echo $VARIANT > /cache/last; cat /data /data > /twice; busybox rm /data\n\
         FROM busybox:1\nENV MARK={MARK}\nARG VARIANT=0\nCOPY --from=first /twice /\n\
         RUN sleep 100 & sleep 0.1; echo $VARIANT > /done; ls -l /twice\n"
    ));
}

fn build(world: &World, store: &str, variant: u64, more: &[&str]) -> Child {
    let store = world.home().join(store);
    let image = format!("{}-{variant}", world.image());
    let argument = format!("VARIANT={variant}");
    let own = ["--image", &image, "--store", store.to_str().unwrap(), "--build-arg", &argument];
    start(world.command(world.repository.path(), &[&own[..], more].concat()))
}

/// Builds to the end and returns the digest.
fn good(world: &World, store: &str, variant: u64, more: &[&str]) -> String {
    let ended = build(world, store, variant, more).wait_with_output().unwrap();
    world.normalize(&ended).digest().to_owned()
}

fn prune(world: &World, store: &str) {
    let ended = pruning(world, store).wait_with_output().unwrap();
    let pruned = world.normalize(&ended);
    assert_eq!(pruned.status, 0, "{pruned}");
}

fn kill_prune(world: &World, store: &str, moment: Duration) {
    let mut child = pruning(world, store);
    thread::sleep(moment);
    let _ = child.kill();
    let _ = child.wait_with_output().unwrap();
}

fn pruning(world: &World, store: &str) -> Child {
    let store = world.home().join(store);
    let arguments = ["prune", "--keep", "0", "--store", store.to_str().unwrap()];
    start(world.command(world.repository.path(), &arguments))
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn drafts(world: &World, store: &str) -> Vec<PathBuf> {
    entries(&world.home().join(store).join("drafts"))
}

/// Makes drafts as old as those that are reclaimed.
fn age(drafts: &[PathBuf]) {
    for draft in drafts {
        let then = SystemTime::now() - 2 * GRACE;
        fs::File::open(draft).unwrap().set_modified(then).unwrap();
    }
}

/// What a store holds, without its locks.
fn kept(world: &World, store: &str) -> BTreeSet<String> {
    let store = world.home().join(store);
    ["blobs/sha256", "layers", "user-layers", "steps", "mounts"]
        .iter()
        .flat_map(|directory| entries(&store.join(directory)))
        .filter(|path| path.extension().is_none())
        .map(|path| path.strip_prefix(&store).unwrap().display().to_string())
        .collect()
}

/// Where something is mounted that this process sees.
fn mounts() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let point = |line: &str| line.split(' ').nth(4).unwrap_or_default().to_owned();
    // Other tests mount as well.
    table.lines().map(point).filter(|point| point.contains("/drafts/")).collect()
}
