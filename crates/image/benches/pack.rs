//! How fast files become a stored layer (tar, two SHA-256, gzip, file), against one core that does nothing but compress:
//! `cargo bench -p notes-image`.
//!
//! Fails when less is reached than [`REACH`] of what all cores could compress, so that it can stand in a pipeline.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use flate2::write::GzEncoder;
use notes_image::{
    Store,
    compress::Compression,
    pack::Packer,
    tar::{Attributes, Body},
};

const FILES: u32 = 6_000;
const FILE: u32 = 32 << 10;
const LEVEL: u32 = 6;
const ROUNDS: usize = 5;
/// Of as many compressors as there are cores.
const REACH: f64 = 0.9;

/// What the files are made of: they are packed to about a third, as programs are.
const WORDS: [&str; 16] = [
    "def ", "self", "return ", "import ", "None", "\n    ", "(", ")", ".", " = ", "request",
    "response", "0x", "\"", "_id", "value",
];

fn main() -> io::Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path()).map_err(io::Error::other)?;
    let files: Vec<Vec<u8>> = (0..FILES).map(file).collect();
    let (mut alone, mut packing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(timed(|| compress(&files))?);
        packing.push(timed(|| pack(&store, &files))?);
    }
    let (alone, packing) = (rate(alone), rate(packing));
    let cores = u32::try_from(thread::available_parallelism()?.get()).unwrap_or(u32::MAX);
    let reached = packing / alone / f64::from(cores);
    writeln!(
        io::stdout(),
        "{FILES} files of {FILE} bytes, gzip level {LEVEL}, medians of {ROUNDS}\n\
         one core that compresses: {alone:.0} MB/s\n\
         a stored layer on {cores} cores: {packing:.0} MB/s, {reached:.2} of all cores (limit {REACH})",
    )?;
    Ok(if reached < REACH { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn compress(files: &[Vec<u8>]) -> io::Result<()> {
    let mut gzip = GzEncoder::new(io::sink(), flate2::Compression::new(LEVEL));
    files.iter().try_for_each(|file| gzip.write_all(file))?;
    gzip.finish().map(drop)
}

fn pack(store: &Store, files: &[Vec<u8>]) -> io::Result<()> {
    let mut packer = Packer::new(store, Compression::Gzip(LEVEL))?;
    let attributes = Attributes { mode: 0o644, ..Attributes::default() };
    for (number, file) in files.iter().enumerate() {
        let path = PathBuf::from(format!("usr/lib/program/{number}.py"));
        let body = Body::File(u64::from(FILE));
        packer.append(&path, &attributes, &body, &mut file.as_slice())?;
    }
    packer.finish().map(drop)
}

/// The same content on every run, another for each file (the generator of Knuth, TAOCP 3.3.4).
fn file(seed: u32) -> Vec<u8> {
    const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
    let size = FILE as usize;
    let mut state = u64::from(seed);
    let mut content = String::with_capacity(size + 32);
    while content.len() < size {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(1_442_695_040_888_963_407);
        let [word, rare, digits @ ..] = state.to_be_bytes();
        content.push_str(WORDS[usize::from(word) % WORDS.len()]);
        if rare < 64 {
            content.extend(digits.map(|digit| char::from(b'0' + digit % 10)));
        }
    }
    content.truncate(size);
    content.into_bytes()
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

/// Megabytes a second, the median of the times.
fn rate(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    f64::from(FILES) * f64::from(FILE) / 1e6 / times[times.len() / 2].as_secs_f64()
}
