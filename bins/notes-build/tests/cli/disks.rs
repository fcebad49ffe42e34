//! Disks that are full, and stores with damage in them.

use std::{fs, path::PathBuf, process::Stdio};

use notes_testkit::{Chance, Length, process, skip};

use crate::world::{Ran, World};

/// The size of the disk, in kilobytes.
const DISK: u64 = 40 << 10;

/// A world whose image is made of bytes that do not compress.
async fn world(test: &str) -> Option<World> {
    let world = World::with_base(test).await?;
    let mut chance = Chance::with_seed(test, 7);
    let bytes: Vec<u8> = (0..1 << 18).flat_map(|_| chance.below(u64::MAX).to_le_bytes()).collect();
    world.repository.write("data", &bytes);
    world.commit(
        "FROM busybox:1\nCOPY data /data\nRUN cat /data /data > /twice\nRUN echo > /last\n",
    );
    Some(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_named_and_the_store_goes_on() {
    let test = "a_full_disk_is_named_and_the_store_goes_on";
    if !process::is_root() {
        return skip(test, "a small disk is mounted by root");
    }
    let Some(world) = world(test).await else { return };
    let good = world.build(&["--no-push"]);
    // What is left for the store: nothing, less than the base, the first layer, the second one, and so on.
    let whole = [0, 64, 1 << 10, 3 << 10, 5 << 10, 7 << 10, 10 << 10, 13 << 10];
    for left in Length::from_env().choose(&[0, 1 << 10, 3 << 10, 10 << 10][..], &whole) {
        let [full, after] = on_a_disk(&world, *left);
        let failure = full.failure();
        let context = format!("{left} kB: {full}");
        assert!(full.stderr.to_lowercase().contains("no space left on device"), "{context}");
        assert!(failure.contains("the disk of the store `HOME/disk/store"), "{context}");
        assert!(failure.contains("notes-build prune --keep 0"), "{context}");
        let code = if failure.contains("the command failed") { 8 } else { 1 };
        assert_eq!(full.status, code, "{context}");
        assert_eq!(after.digest(), good.digest(), "{context}");
        assert!(after.stderr.ends_with("drafts: 0\n"), "{context}\n{after}");
    }
}

/// Builds on a disk with so many kilobytes left, and once more when there are enough.
fn on_a_disk(world: &World, left: u64) -> [Ran; 2] {
    let script = format!(
        "mount -t tmpfs -o size={DISK}k none $DISK || exit 99\n\
         dd if=/dev/zero of=$DISK/filler bs=1k count={} 2> /dev/null\n\
         NAME=full build \"$@\"\n\
         rm $DISK/filler\n\
         NAME=after build \"$@\"\n\
         echo drafts: $(ls $DISK/store/drafts | wc -l) >> $OUT/after.err\n",
        DISK - left
    );
    with_a_mount(world, &script);
    ["full", "after"].map(|name| ran(world, name))
}

/// Runs a script that mounts something at `DISK` and builds in a store there.
fn with_a_mount(world: &World, script: &str) {
    const BUILD: &str = "build() { \"$@\" -v --no-push --store $DISK/store > $OUT/$NAME.out 2> $OUT/$NAME.err; \
                         echo $? > $OUT/$NAME.code; }\n";
    let disk = world.home().join("disk");
    let _ = fs::create_dir(&disk);
    let inner = world.command(world.repository.path(), &[]);
    // The mount is in a mount name space of its own: nothing of it stays, however the test ends.
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", &[BUILD, script].concat(), "sh"]);
    command.arg(inner.get_program());
    command.current_dir(world.repository.path()).stdin(Stdio::null()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DISK", &disk);
    let status = command.env("OUT", world.home()).status().unwrap();
    assert!(status.success(), "the disk is not mounted: {status}");
}

/// Returns how the build of a script went that was called so.
fn ran(world: &World, name: &str) -> Ran {
    let read = |kind: &str| fs::read(world.home().join(format!("{name}.{kind}"))).unwrap();
    let code = String::from_utf8(read("code")).unwrap();
    world.normalized(&read("out"), &read("err"), code.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_an_overlay_does_without_mounts() {
    let test = "a_store_on_an_overlay_does_without_mounts";
    if !process::is_root() {
        return skip(test, "an overlay is mounted by root");
    }
    let Some(world) = world(test).await else { return };
    let good = world.build(&["--no-push"]);
    let script = "cd $OUT && mkdir lower upper work && cd - > /dev/null\n\
                  mount -t overlay none -o lowerdir=$OUT/lower,upperdir=$OUT/upper,workdir=$OUT/work $DISK || exit 99\n\
                  NAME=overlay build \"$@\"\n";
    with_a_mount(&world, script);
    let built = ran(&world, "overlay");
    assert_eq!(built.digest(), good.digest(), "{built}");
    assert!(built.stderr.contains("isolation chroot: "), "{built}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_directory_for_temporary_files_is_no_matter() {
    let test = "a_full_directory_for_temporary_files_is_no_matter";
    let Some(mut world) = world(test).await else { return };
    let good = world.build(&["--no-push"]);
    world.set("TMPDIR", "/dev/full");
    let store = world.home().join("other");
    let again = world.build(&["--no-push", "--store", store.to_str().unwrap()]);
    assert_eq!(again.digest(), good.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_blobs_are_named_and_made_again() {
    let test = "damaged_blobs_are_named_and_made_again";
    let Some(world) = world(test).await else { return };
    let of_base = blobs(&world);
    let good = world.build(&["--no-push"]);
    let mut blobs = blobs(&world);
    blobs.retain(|blob| !of_base.contains(blob));
    assert_eq!(blobs.len(), 3, "one for each step");
    let mut chance = Chance::new(test);
    for blob in &blobs {
        let mut bytes = fs::read(blob).unwrap();
        let place = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes[place] ^= 1 << chance.below(8);
        fs::write(blob, bytes).unwrap();
    }
    let again = world.build(&[]);
    assert_eq!(again.digest(), good.digest(), "{again}");
    for blob in &blobs {
        let name = blob.file_name().unwrap().to_str().unwrap();
        let line = format!("the blob `HOME/.cache/notes/blobs/sha256/{name}` is damaged");
        assert!(again.stderr.contains(&line), "{line}\n{again}");
    }
    let third = world.build(&[]);
    assert_eq!(third.digest(), good.digest());
    assert!(!third.stderr.contains("damaged"), "{third}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_is_cut_short_is_made_again() {
    let test = "a_blob_that_is_cut_short_is_made_again";
    let Some(world) = world(test).await else { return };
    let good = world.build(&["--no-push"]);
    for blob in blobs(&world) {
        fs::File::options().write(true).open(blob).unwrap().set_len(10).unwrap();
    }
    assert_eq!(world.build(&[]).digest(), good.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_unpacked_layer_is_named_and_unpacked_again() {
    let test = "a_damaged_unpacked_layer_is_named_and_unpacked_again";
    let Some(world) = world(test).await else { return };
    world.build(&["--no-push"]).digest();
    // As after a power cut: what was not on the disk yet is empty.
    let layers = world.store().join("layers");
    for entry in fs::read_dir(&layers).unwrap() {
        let path = entry.unwrap().path();
        let file = path.join("data");
        if path.is_dir() && file.exists() {
            fs::write(file, "").unwrap();
        } else if path.extension().is_some_and(|extension| extension == "census") {
            let census = fs::read_to_string(&path).unwrap();
            let (before, after) = census.split_once("\"boot\":\"").unwrap();
            fs::write(&path, format!("{before}\"boot\":\"x{after}")).unwrap();
        }
    }
    world.commit(
        "FROM busybox:1\nCOPY data /data\nRUN cat /data /data > /twice\nRUN ls -l /data > /seen\n",
    );
    let built = world.build(&["--no-push"]);
    assert!(built.stderr.contains("the unpacked layer `HOME/.cache/notes/layers/"), "{built}");
    let store = world.home().join("fresh");
    let fresh = world.build(&["--no-push", "--store", store.to_str().unwrap()]);
    assert_eq!(built.digest(), fresh.digest());
}

/// The blobs of the store.
fn blobs(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.store().join("blobs/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
