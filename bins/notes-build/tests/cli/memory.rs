//! What a build holds in memory does not grow with the size of what it builds, and little with the number of files.

use std::{
    fs,
    io::Write as _,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use notes_testkit::{Chance, Length};

use crate::world::World;

const MIB: u64 = 1 << 20;
/// What a build or a push may hold.
const LIMIT: u64 = 100 * MIB;
/// What a large one may hold more than a small one.
const GROWTH: u64 = 16 * MIB;
/// How often memory is looked at. The kernel keeps the peak: only what comes in the last moment is missed.
const INTERVAL: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_a_file_that_a_command_writes() {
    let test = "memory_does_not_grow_with_a_file_that_a_command_writes";
    let Some(world) = World::with_base(test).await else { return };
    flat(&world, test, |megabytes| {
        world.commit(&format!(
            "FROM busybox:1\nRUN busybox dd if=/dev/urandom of=/data bs=1M count={megabytes} status=none\n"
        ));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_a_file_that_is_copied_between_stages() {
    let test = "memory_does_not_grow_with_a_file_that_is_copied_between_stages";
    let Some(world) = World::with_base(test).await else { return };
    flat(&world, test, |megabytes| {
        world.commit(&format!(
            "FROM busybox:1 AS made\nRUN busybox dd if=/dev/zero of=/data bs=1M count={megabytes} status=none\n\
             FROM busybox:1\nCOPY --from=made /data /copied/\nRUN ls -l /copied > /seen\n"
        ));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_a_file_of_the_commit() {
    let test = "memory_does_not_grow_with_a_file_of_the_commit";
    let Some(world) = World::with_base(test).await else { return };
    let mut chance = Chance::new(test);
    flat(&world, test, |megabytes| {
        let mut file = fs::File::create(world.repository.path().join("data")).unwrap();
        for _ in 0..megabytes {
            let words = (0..MIB / 8).flat_map(|_| chance.below(u64::MAX).to_le_bytes());
            file.write_all(&words.collect::<Vec<_>>()).unwrap();
        }
        world.commit("FROM busybox:1\nCOPY data /data\n");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_files_keep_within_the_limit() {
    let test = "many_files_keep_within_the_limit";
    let Some(world) = World::with_base(test).await else { return };
    let (few, many) = (100, Length::from_env().choose(10_000, 100_000));
    let [few, many] = [few, many].map(|count| {
        world.commit(&format!(
            "FROM busybox:1 AS made\n\
             RUN busybox mkdir /many && cd /many && busybox seq 1 {count} | while read n; do echo $n > file-$n; done\n\
             FROM busybox:1\nCOPY --from=made /many /many\nRUN echo more > /many/file-1; busybox rm /many/file-2\n"
        ));
        (count, peak(&world, count))
    });
    // What is kept of a file until the layer is written is less than a kilobyte.
    report(test, "files", few, many);
}

/// Builds and pushes with 10 MB and with much more, and compares.
fn flat(world: &World, test: &str, mut commit: impl FnMut(u64)) {
    let [small, large] = [10, Length::from_env().choose(80, 4096)].map(|megabytes| {
        commit(megabytes);
        (megabytes, peak(world, megabytes))
    });
    report(test, "MB", small, large);
    assert!(large.1 <= small.1 + GROWTH, "{small:?}, {large:?}");
}

#[expect(clippy::print_stdout, reason = "the figures are wanted where the test passes, too")]
fn report(test: &str, unit: &str, small: (u64, u64), large: (u64, u64)) {
    let shown = [small, large]
        .map(|(size, peak)| format!("{size} {unit}: {}.{} MiB", peak / MIB, peak % MIB * 10 / MIB));
    println!("{test}: {}", shown.join(", "));
    assert!(large.1 <= LIMIT, "{shown:?}");
}

/// Builds and pushes, in a store of its own, and returns the most memory that the builder held.
fn peak(world: &World, size: u64) -> u64 {
    let store = world.home().join(format!("store-{size}"));
    let image = format!("{}-{size}", world.image());
    let arguments = ["--image", &image, "--store", store.to_str().unwrap()];
    let mut command = world.command(world.repository.path(), &arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let peak = watched(&mut child);
    let built = world.normalize(&child.wait_with_output().unwrap());
    assert_eq!(built.status, 0, "{built}");
    fs::remove_dir_all(store).unwrap();
    peak
}

/// Waits for the end of a process; returns the peak of its resident set (`VmHWM` of `proc_pid_status(5)`).
fn watched(child: &mut Child) -> u64 {
    let mut peak = 0;
    let path = format!("/proc/{}/status", child.id());
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak = kilobytes.unwrap_or(0).max(peak);
        thread::sleep(INTERVAL);
    }
    peak * 1024
}
