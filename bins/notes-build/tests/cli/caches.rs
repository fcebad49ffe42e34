//! Build caches in a registry: machines that have never built take what others made.

use std::{fs, path::PathBuf};

use notes_testkit::{
    Distribution,
    registry::{Answered, Fault, Matching},
};
use tempfile::TempDir;

use crate::world::{Ran, World};

/// Two stages, each with something that runs.
const DOCKERFILE: &str = "FROM busybox:1 AS build\n\
    COPY lib.txt /\n\
    RUN cat /lib.txt > /made.txt\n\
    FROM busybox:1\n\
    RUN echo tools > /tools.txt\n\
    COPY --from=build /made.txt /copied.txt\n\
    COPY app.txt /\n";

/// A world with a commit to build, and a cache in its registry.
struct Shared {
    world: World,
    cache: String,
}

/// A machine that has never built.
struct Machine<'a> {
    shared: &'a Shared,
    store: TempDir,
}

impl Shared {
    async fn new(test: &str) -> Option<Self> {
        let world = World::with_base(test).await?;
        world.commit_files(&[("Dockerfile", DOCKERFILE), ("lib.txt", "1"), ("app.txt", "1")]);
        let cache = world.registry.reference("team/app:cache").to_string();
        Some(Self { world, cache })
    }

    fn machine(&self) -> Machine<'_> {
        Machine { shared: self, store: tempfile::tempdir().unwrap() }
    }

    /// Builds on a machine of its own and writes the cache.
    fn fill(&self, mode: &str) -> Ran {
        self.machine().build(&["--cache-to", &format!("{},mode={mode}", self.cache)])
    }

    /// The file of a blob in the registry.
    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").unwrap();
        self.world.registry.directory().join("blobs/sha256").join(&hex[..2]).join(hex)
    }

    /// The digests and sizes of the layers that a cache or an image keeps, as the registry has them.
    async fn layers(&self, reference: &str) -> Vec<(String, u64)> {
        let image = self.world.pull(reference, "linux/amd64").await;
        let layers = image.layers().iter();
        layers.map(|layer| (layer.digest().to_string(), layer.size())).collect()
    }

    /// Forgets the requests so far, and returns the bytes of the layers that were fetched and sent by them.
    fn traffic(&self) -> Traffic {
        let requests = self.world.registry.requests();
        self.world.registry.take_lines();
        let digest = |it: &Answered| it.path.rsplit('/').next().unwrap().to_owned();
        let size = |digest: &str| fs::metadata(self.blob(digest)).unwrap().len();
        let is = |it: &Answered, method: &str| it.method == method && it.status < 300;
        let fetched = requests.iter().filter(|it| is(it, "GET") && it.path.contains("/blobs/"));
        let sent = requests.iter().filter(|it| it.query.contains("digest=") && is(it, "PUT"));
        Traffic {
            fetched: fetched.map(|it| (digest(it), size(&digest(it)))).collect(),
            sent: sent.count(),
            mounted: requests.iter().filter(|it| it.query.contains("mount=")).count(),
            requests: requests.len(),
        }
    }
}

struct Traffic {
    fetched: Vec<(String, u64)>,
    /// Blobs, configs among them.
    sent: usize,
    mounted: usize,
    requests: usize,
}

impl Traffic {
    fn fetched_of(&self, layers: &[(String, u64)]) -> u64 {
        self.fetched.iter().filter(|fetched| layers.contains(fetched)).map(|(_, size)| size).sum()
    }
}

impl Machine<'_> {
    fn build(&self, arguments: &[&str]) -> Ran {
        self.build_as("team/app", arguments)
    }

    /// Builds an image of another name in the registry.
    fn build_as(&self, name: &str, arguments: &[&str]) -> Ran {
        let image = format!("{}/{name}", self.shared.world.registry.registry());
        let own = ["--image", &image, "--store", self.store.path().to_str().unwrap()];
        self.shared.world.run(&[&own[..], arguments].concat())
    }

    fn build_cached(&self, arguments: &[&str]) -> Ran {
        self.build(&[&["--cache-from", self.shared.cache.as_str()][..], arguments].concat())
    }
}

/// The instructions that ran.
fn ran(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines().filter(|line| line.trim_start().starts_with("Ran ["));
    lines.map(|line| line.split_once("] ").unwrap().1.rsplit_once(" in ").unwrap().0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_never_built_takes_all_from_the_cache_and_fetches_no_layer() {
    let test = "a_machine_that_never_built_takes_all_from_the_cache_and_fetches_no_layer";
    let Some(shared) = Shared::new(test).await else { return };
    for mode in ["min", "max"] {
        let first = shared.fill(mode);
        assert!(first.stderr.contains("Cached steps in REGISTRY/team/app:cache in"), "{first}");
        shared.traffic();
        let second = shared.machine().build_cached(&[]);
        assert_eq!(second.digest(), first.digest());
        assert_eq!(ran(&second), <[&str; 0]>::default(), "{second}");
        assert!(second.stderr.contains("(from REGISTRY/team/app:cache)"), "{second}");
        let layers =
            [shared.layers("team/app:cache").await, shared.layers("library/busybox:1").await];
        shared.world.registry.take_lines();
        let from = ["--cache-from", &shared.cache];
        let third = shared.machine().build_as("team/other", &from);
        assert_eq!(third.digest(), first.digest());
        let traffic = shared.traffic();
        assert_eq!(traffic.fetched_of(&layers.concat()), 0, "{:?}", traffic.fetched);
        if mode == "min" {
            // The base has one layer, the image three; the config is sent.
            assert_eq!((traffic.mounted, traffic.sent), (4, 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_runs_and_only_what_it_reads_is_fetched() {
    let test = "only_what_changed_runs_and_only_what_it_reads_is_fetched";
    let Some(shared) = Shared::new(test).await else { return };
    let _ = shared.fill("max").digest();
    shared.world.commit_files(&[("app.txt", "2")]);
    let fresh = shared.machine().build(&["--no-push"]);
    let layers = shared.layers("team/app:cache").await;
    shared.world.registry.take_lines();
    let cached = shared.machine().build_cached(&[]);
    assert_eq!(cached.digest(), fresh.digest());
    assert_eq!(ran(&cached), ["COPY app.txt /"], "{cached}");
    let traffic = shared.traffic();
    // `COPY` looks at what is there: the layers of its own stage, those of the other one never.
    let image = shared.layers(&tag(&cached)).await;
    let (read, unread): (Vec<_>, Vec<_>) = layers.into_iter().partition(|it| image.contains(it));
    assert!(traffic.fetched_of(&read) > 0);
    assert_eq!(traffic.fetched_of(&unread), 0, "{:?}", traffic.fetched);
    assert_eq!(unread.len(), 3, "two layers of the other stage, and the old file");
}

/// The reference that an image was pushed under.
fn tag(ran: &Ran) -> String {
    let pushed = ran.stderr.lines().find_map(|line| line.trim().strip_prefix("Pushed REGISTRY/"));
    pushed.unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_cache_makes_a_stage_run_again_when_it_is_read_and_a_large_one_does_not() {
    let test = "a_small_cache_makes_a_stage_run_again_when_it_is_read_and_a_large_one_does_not";
    let Some(shared) = Shared::new(test).await else { return };
    let again = ["COPY lib.txt /", "RUN cat /lib.txt > /made.txt"];
    for (mode, runs) in [("min", &again[..]), ("max", &[])] {
        let _ = shared.fill(mode).digest();
        let layers = shared.layers("team/app:cache").await.len();
        assert_eq!(layers, if mode == "min" { 3 } else { 5 });
        let dockerfile = DOCKERFILE.replace("/copied.txt", "/renamed.txt");
        shared.world.commit_files(&[("Dockerfile", &dockerfile)]);
        let fresh = shared.machine().build(&["--no-push"]);
        let cached = shared.machine().build_cached(&[]);
        assert_eq!(cached.digest(), fresh.digest());
        let renamed = ["COPY --from=build /made.txt /renamed.txt", "COPY app.txt /"];
        assert_eq!(ran(&cached), [runs, &renamed[..]].concat(), "{mode}: {cached}");
        shared.world.commit_files(&[("Dockerfile", DOCKERFILE)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_is_of_no_use_is_a_warning_and_changes_nothing() {
    let test = "a_cache_that_is_of_no_use_is_a_warning_and_changes_nothing";
    let Some(shared) = Shared::new(test).await else { return };
    let first = shared.fill("max");
    let warning = |ran: &Ran| {
        assert_eq!(ran.digest(), first.digest());
        let line = ran.stderr.lines().find(|line| line.starts_with("warning:"));
        line.unwrap_or_default().to_owned()
    };
    let registry = &shared.world.registry;
    let from = |name: &str| registry.reference(name).to_string();
    let machine = shared.machine();
    let missing = machine.build(&["--cache-from", &from("team/app:nothing")]);
    assert!(
        warning(&missing).starts_with(
            "warning: a build cache is not used: there is no image `REGISTRY/team/app:nothing`"
        ),
        "{missing}"
    );
    let image = shared.machine().build(&["--cache-from", &from("library/busybox:1")]);
    assert_eq!(
        warning(&image),
        "warning: a build cache is not used: `REGISTRY/library/busybox:1` is no build cache: \
         it holds no steps of a build"
    );
    for fault in [Fault::Status(403), Fault::Corrupt, Fault::WrongDigest] {
        registry.plan(Matching::method("GET").path("/manifests/cache"), fault.clone());
        let broken = shared.machine().build_cached(&[]);
        assert!(warning(&broken).contains("a build cache is not used"), "{fault:?} {broken}");
        assert_eq!(registry.pending(), 0);
    }
    // The second one is asked all the same.
    let second = ["--cache-from", &from("team/app:nothing"), "--cache-from", &shared.cache];
    assert_eq!(ran(&shared.machine().build(&second)), <[&str; 0]>::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_corrupt_or_gone_is_made_again() {
    let test = "a_layer_that_is_corrupt_or_gone_is_made_again";
    let Some(shared) = Shared::new(test).await else { return };
    let _ = shared.fill("max").digest();
    shared.world.commit_files(&[("app.txt", "2")]);
    let fresh = shared.machine().build(&["--no-push"]);
    let image = shared.layers("team/app:cache").await;
    // The layers of the stage are read by `COPY app.txt`.
    for (digest, _) in &image {
        let (path, intact) = (shared.blob(digest), fs::read(shared.blob(digest)).unwrap());
        let other = vec![b'x'; intact.len()];
        for broken in [Some(other), None] {
            match broken {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let cached = shared.machine().build_cached(&["--no-push"]);
            assert_eq!(cached.digest(), fresh.digest(), "{cached}");
        }
        fs::write(&path, intact).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_gone_when_the_image_is_written_is_made_again() {
    let test = "a_layer_that_is_gone_when_the_image_is_written_is_made_again";
    let Some(shared) = Shared::new(test).await else { return };
    let first = shared.fill("min");
    let layers = shared.layers("team/app:cache").await;
    for (digest, _) in &layers {
        fs::remove_file(shared.blob(digest)).unwrap();
    }
    let from = ["--cache-from", &shared.cache];
    let cached = shared.machine().build_as("team/elsewhere", &from);
    assert_eq!(cached.digest(), first.digest());
    assert!(cached.stderr.contains("warning: building again without a build cache"), "{cached}");
    assert!(ran(&cached).contains(&"RUN echo tools > /tools.txt"), "{cached}");
    let layout = shared.world.layout("layout");
    let written = shared.machine().build_cached(&["--output", &layout]);
    assert_eq!(written.digest(), first.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_is_a_warning_unless_told_otherwise() {
    let test = "what_cannot_be_written_is_a_warning_unless_told_otherwise";
    let Some(shared) = Shared::new(test).await else { return };
    let denied = || {
        let put = Matching::method("PUT").path("/manifests/cache");
        shared.world.registry.plan(put, Fault::Status(403));
    };
    denied();
    let warned = shared.fill("max");
    let _ = warned.digest();
    assert!(warned.stderr.contains("warning: the build cache is not written:"), "{warned}");
    denied();
    let failed = shared.fill("max,ignore-error=false");
    assert_eq!(failed.status, 4, "{failed}");
    assert!(failed.stderr.contains("Pushed REGISTRY/team/app"), "{failed}");
    let image = format!("{}:cache", shared.world.image());
    let same = shared.machine().build(&["--tag", "cache", "--cache-to", &image]);
    insta::assert_snapshot!(same.failure(), @r"
    error: `REGISTRY/team/app:cache` is to be the image and its build cache
    hint: give the cache a tag of its own, such as `:cache`
    exit code 2
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_machines_write_one_cache_at_once_and_it_is_that_of_one() {
    let test = "two_machines_write_one_cache_at_once_and_it_is_that_of_one";
    let Some(shared) = Shared::new(test).await else { return };
    std::thread::scope(|scope| {
        let fill = || shared.fill("max,ignore-error=false").digest().to_owned();
        let (one, other) = (scope.spawn(fill), scope.spawn(fill));
        assert_eq!(one.join().unwrap(), other.join().unwrap());
    });
    let cached = shared.machine().build_cached(&[]);
    assert_eq!(ran(&cached), <[&str; 0]>::default(), "{cached}");
    // What did not change is not sent again: the manifest's digest says so.
    shared.traffic();
    let _ = shared.machine().build_cached(&["--cache-to", &format!("{},mode=max", shared.cache)]);
    let traffic = shared.traffic();
    assert_eq!((traffic.sent, traffic.mounted), (0, 0));
    assert!(traffic.requests <= 8, "{}", traffic.requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_layers_of_the_image_are_mounted_into_a_cache_of_another_repository() {
    let test = "the_layers_of_the_image_are_mounted_into_a_cache_of_another_repository";
    let Some(shared) = Shared::new(test).await else { return };
    let machine = shared.machine();
    let _ = machine.build(&[]).digest();
    shared.traffic();
    let cache = shared.world.registry.reference("team/caches:app").to_string();
    let _ = machine.build(&["--cache-to", &cache]).digest();
    let traffic = shared.traffic();
    assert_eq!((traffic.mounted, traffic.sent), (3, 1), "three layers; the config is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_are_settings_and_no_push_leaves_them_alone() {
    let test = "caches_are_settings_and_no_push_leaves_them_alone";
    let Some(mut shared) = Shared::new(test).await else { return };
    let cache = &shared.cache;
    let settings =
        format!("[build]\ncache-from = [\"{cache}\"]\ncache-to = [\"{cache},mode=max\"]\n");
    shared.world.commit_files(&[("notes.toml", &settings)]);
    let shown = shared.world.run(&["config", "show"]);
    let rows: Vec<_> = shown.stdout.lines().filter(|line| line.contains("cache-")).collect();
    let rows: Vec<Vec<_>> = rows.iter().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            ["build.cache-from", "REGISTRY/team/app:cache", "notes.toml:2"],
            ["build.cache-to", "REGISTRY/team/app:cache,mode=max", "notes.toml:3"],
        ]
    );
    let quiet = shared.machine().build(&["--no-push"]);
    assert!(!quiet.stderr.contains("steps in"), "{quiet}");
    let written = shared.machine().build(&[]);
    assert!(written.stderr.contains("steps in REGISTRY/team/app:cache"), "{written}");
    let said = shared.machine().build(&["--no-push", "--cache-to", cache]);
    assert!(said.stderr.contains("steps in REGISTRY/team/app:cache"), "{said}");
    let anew = shared.machine().build(&["--no-cache"]);
    assert_eq!(ran(&anew).len(), 5, "{anew}");
    shared.world.set("NOTES_BUILD_CACHE_TO", "ghcr.io/team/app:cache,mode=max,mounts=true");
    let shown = shared.world.run(&["config", "show"]);
    let row = shown.stdout.lines().find(|line| line.starts_with("build.cache-to")).unwrap();
    let row: Vec<_> = row.split_whitespace().skip(1).collect();
    let written = "ghcr.io/team/app:cache,mode=max,mounts=1000000000";
    assert_eq!(row, [written, "NOTES_BUILD_CACHE_TO"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_mounts_travel_when_asked_and_fill_what_is_not_there() {
    let test = "cache_mounts_travel_when_asked_and_fill_what_is_not_there";
    let Some(shared) = Shared::new(test).await else { return };
    let dockerfile = |file: &str| {
        format!(
            "FROM busybox:1\nCOPY app.txt /\n\
             RUN --mount=type=cache,target=/c ls /c > /seen && cat /app.txt > /c/{file}\n"
        )
    };
    let commit = |file: &str, app: &str| {
        shared.world.commit_files(&[("Dockerfile", &dockerfile(file)), ("app.txt", app)]);
    };
    let layout = shared.world.home().join("files");
    let seen = |machine: &Machine<'_>, arguments: &[&str]| {
        let output = format!("type=local,dest={}", layout.display());
        let ran = machine.build_cached(&[arguments, &["-o", &output]].concat());
        let _ = ran.digest();
        let seen = fs::read_to_string(layout.join("seen")).unwrap();
        (seen.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), ran)
    };
    let to = |options: &str| format!("{}{options}", shared.cache);
    commit("one", "1");
    let first = shared.machine();
    let (nothing, _) = seen(&first, &["--cache-to", &to(",mounts=true")]);
    assert_eq!(nothing, <[&str; 0]>::default());

    // Another machine, another command: it finds what the first one left, and leaves more.
    commit("two", "2");
    let second = shared.machine();
    let (one, _) = seen(&second, &["--cache-to", &to(",mounts=true")]);
    assert_eq!(one, ["one"]);
    let cache = shared.layers("team/app:cache").await;

    // Nothing runs: the mount goes on without being fetched, and the cache is the same, byte for byte.
    shared.traffic();
    let idle = shared.machine().build_cached(&["--no-push", "--cache-to", &to(",mounts=true")]);
    assert_eq!(ran(&idle), <[&str; 0]>::default(), "{idle}");
    let traffic = shared.traffic();
    assert_eq!((traffic.fetched_of(&cache), traffic.sent), (0, 0));
    assert_eq!(shared.layers("team/app:cache").await, cache);

    // What a machine has itself is not replaced.
    commit("three", "3");
    assert_eq!(seen(&first, &[]).0, ["one"]);
    let (_, large) = seen(&shared.machine(), &["--cache-to", &to(",mounts=1")]);
    assert!(
        large
            .stderr
            .contains("warning: the cache mount `/c` is left out: it has more than 1 bytes"),
        "{large}"
    );
    let (nothing, _) = seen(&shared.machine(), &["--no-cache"]);
    assert_eq!(nothing, <[&str; 0]>::default(), "the cache has none any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_mount_that_is_corrupt_begins_empty() {
    let test = "a_cache_mount_that_is_corrupt_begins_empty";
    let Some(shared) = Shared::new(test).await else { return };
    let dockerfile = "FROM busybox:1\nRUN --mount=type=cache,target=/c echo content > /c/file\n";
    shared.world.commit(dockerfile);
    let to = format!("{},mounts=true", shared.cache);
    let _ = shared.machine().build(&["--cache-to", &to]).digest();
    let image = shared.layers(&tag(&shared.machine().build_cached(&[]))).await;
    let cache = shared.layers("team/app:cache").await;
    let mount = cache.iter().find(|it| !image.contains(it)).expect("the cache has the mount");
    let path = shared.blob(&mount.0);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    shared.world.commit("FROM busybox:1\nRUN --mount=type=cache,target=/c ls /c > /seen\n");
    let ran = shared.machine().build_cached(&[]);
    let _ = ran.digest();
    assert!(ran.stderr.contains("warning: the cache mount `/c` begins empty:"), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_registry_keeps_a_cache_too() {
    let test = "another_registry_keeps_a_cache_too";
    let Some(shared) = Shared::new(test).await else { return };
    let Some(distribution) = Distribution::start(test) else { return };
    let cache = distribution.reference("team/caches:app").to_string();
    let image = distribution.reference("team/app:1").name();
    let build = |arguments: &[&str]| {
        let machine = shared.machine();
        let store = machine.store.path().to_str().unwrap();
        shared.world.run(&[&["--image", &image, "--store", store][..], arguments].concat())
    };
    let to = format!("{cache},mode=max,mounts=true,ignore-error=false");
    let first = build(&["--cache-to", &to]);
    let second = build(&["--cache-from", &cache, "--cache-to", &to]);
    assert_eq!(second.digest(), first.digest());
    assert_eq!(ran(&second), <[&str; 0]>::default(), "{second}");
    shared.world.commit_files(&[("app.txt", "2")]);
    let third = build(&["--cache-from", &cache, "--cache-to", &to]);
    assert_eq!(third.digest(), build(&["--no-push"]).digest());
    assert_eq!(ran(&third), ["COPY app.txt /"], "{third}");
}
