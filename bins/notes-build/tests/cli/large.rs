//! Large layers: memory does not grow with them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use notes_oci::{
    Descriptor, DiffId, FileBlob, Hashing, History, Image, ImageSink as _, Layer, Layout,
    MediaType, Platform,
};
use notes_testkit::Length;

use crate::world::World;

/// What each of the programs may hold, in bytes.
const LIMIT: u64 = 64 << 20;

/// A program under way. Ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// The most memory it has held so far (proc(5), `VmHWM`), in bytes; `None` once it has ended.
    fn peak(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().unwrap() * 1024)
    }

    /// Waits for its end; returns its peak and how long it took.
    fn finish(mut self) -> (u64, Duration) {
        let (begun, mut peak) = (Instant::now(), 0);
        let status = loop {
            peak = peak.max(self.peak().unwrap_or_default());
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(status.success(), "{said}");
        (peak, begun.elapsed())
    }
}

/// Writes a layout with an image of one layer: a tar of nothing but its end, as long as that may be.
async fn make_layout(directory: &Path, size: u64) {
    let layout = Layout::create(directory).await.unwrap();
    let draft = directory.join("blobs/sha256/draft");
    let file = fs::File::create(&draft).unwrap();
    file.set_len(size).unwrap();
    let mut hashing = Hashing::new(fs::File::open(&draft).unwrap());
    std::io::copy(&mut hashing, &mut std::io::sink()).unwrap();
    let (_, digest, _) = hashing.finish();
    let path = layout.blob_path(&digest);
    fs::rename(draft, &path).unwrap();
    let descriptor = Descriptor::new(MediaType::Layer, digest, size);
    let layer = Layer::new(descriptor, DiffId::from(digest), FileBlob { path, digest, size });
    let image = Image::scratch(Platform::native()).with_layer(layer, History::default());
    layout.write(&image, &"large:1".parse().unwrap()).await.unwrap();
}

#[expect(clippy::print_stdout, reason = "figures, for who runs it with --nocapture")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_while_a_large_layer_goes_up_and_down() {
    let test = "memory_stays_flat_while_a_large_layer_goes_up_and_down";
    let Some(world) = World::new(test).await else { return };
    let size = Length::from_env().choose(200_000_000, 4_000_000_000);
    make_layout(&world.home().join("large"), size).await;
    let start =
        |arguments: &[&str]| Running::start(world.command(world.repository.path(), arguments));

    let root = world.home().join("registry").display().to_string();
    let mut registry = start(&["serve", "--address", "127.0.0.1:0", "--root", &root]);
    let mut address = String::new();
    BufReader::new(registry.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let name = format!("{}/large:1", address.trim());

    let layout = world.home().join("large").display().to_string();
    let (up, up_time) = start(&["push", &layout, &name]).finish();

    world.commit(&format!("FROM {name}\n"));
    let (down, down_time) = start(&["--no-push", "--output", &world.layout("out")]).finish();
    let served = registry.peak().unwrap();
    let blob = |place: &str| {
        let entries = fs::read_dir(world.home().join(place).join("blobs/sha256")).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).max()
    };
    assert_eq!(blob("out"), Some(size), "the layer arrived");
    let said = format!(
        "{size} bytes up with {up} bytes of memory in {up_time:?}, down with {down} in {down_time:?}, \
         the registry with {served}"
    );
    println!("{said}");
    assert!([up, down, served].iter().all(|peak| *peak <= LIMIT), "{said}");
}
