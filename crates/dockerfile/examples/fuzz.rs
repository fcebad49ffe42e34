//! Runs fuzz targets for a while, and says the seed of an input that one of them does not hold for.
//!
//! ```console
//! $ cargo run --release -p notes-dockerfile --example fuzz -- all --seconds 600
//! $ cargo run --release -p notes-dockerfile --example fuzz -- parse --seed 1234 --count 1
//! ```

#[path = "../tests/fuzz/mod.rs"]
mod shared;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::input::Corpus;
use shared::targets::{TARGETS, Target};

/// The seed that is tried; the panic hook says it, because a release build aborts.
static SEED: AtomicU64 = AtomicU64::new(0);

/// What is run, and how long.
struct Wanted {
    targets: Vec<Target>,
    seed: u64,
    count: u64,
    time: Duration,
}

fn main() -> ExitCode {
    let Some(wanted) = read(std::env::args().skip(1)) else {
        let names = TARGETS.map(|(name, _)| name).join("|");
        say(format_args!("usage: fuzz {names}|all [--seconds N] [--seed N] [--count N]"));
        return ExitCode::from(2);
    };
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(format_args!("repeat it with `--seed {} --count 1`", SEED.load(Ordering::Relaxed)));
        usual(panic);
    }));
    let corpus = Corpus::of_fixtures();
    for (name, target) in &wanted.targets {
        let (start, mut tried) = (Instant::now(), 0);
        while tried < wanted.count && start.elapsed() < wanted.time {
            let seed = wanted.seed.wrapping_add(tried);
            SEED.store(seed, Ordering::Relaxed);
            target(&corpus.input(seed));
            tried += 1;
        }
        let (first, took) = (wanted.seed, start.elapsed().as_secs());
        say(format_args!("{name}: {tried} inputs from seed {first} in {took} s, no finding"));
    }
    ExitCode::SUCCESS
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Wanted> {
    let name = arguments.next()?;
    let targets: Vec<Target> =
        TARGETS.into_iter().filter(|(target, _)| name == "all" || name == *target).collect();
    let mut wanted = Wanted { targets, seed: 0, count: u64::MAX, time: Duration::from_mins(1) };
    while let Some(flag) = arguments.next() {
        let value: u64 = arguments.next()?.parse().ok()?;
        match flag.as_str() {
            "--seconds" => wanted.time = Duration::from_secs(value),
            "--seed" => wanted.seed = value,
            "--count" => wanted.count = value,
            _ => return None,
        }
    }
    (!wanted.targets.is_empty()).then_some(wanted)
}

fn say(text: std::fmt::Arguments<'_>) {
    // Nobody can be told that nobody listens.
    let _ = writeln!(io::stderr(), "{text}");
}
