//! Tests that cannot run on this machine.

use std::io::{self, Write as _};

/// Says that `test` is skipped and why, in the form `cargo xtask test` counts: `SKIPPED name: reason`.
///
/// Written past the test harness, which would keep the output of a test that passes to itself.
pub fn skip(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {reason}");
}
