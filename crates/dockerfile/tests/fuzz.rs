//! A short run of every fuzz target. `cargo run --release -p notes-dockerfile --example fuzz` is the long one, and repeats what
//! this one finds by its seed.

#[path = "fuzz/mod.rs"]
mod shared;

use shared::input::Corpus;
use shared::targets::TARGETS;

/// Inputs per target; a debug build does them in a few seconds.
const COUNT: u64 = 1_500;

#[test]
fn every_target_holds_for_a_sample() {
    let corpus = Corpus::of_fixtures();
    for (name, target) in TARGETS {
        for seed in 0..COUNT {
            let input = corpus.input(seed);
            let held = std::panic::catch_unwind(|| target(&input));
            assert!(held.is_ok(), "`fuzz {name} --seed {seed} --count 1` repeats it:\n{input:?}");
        }
    }
}
