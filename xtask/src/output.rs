//! Where words go: stderr for people, stdout for the one line a script reads.

use std::io::{Write as _, stderr, stdout};

/// Says a line on stderr. A closed stderr is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Writes a line of the result on stdout.
pub(crate) fn result(line: &str) {
    let _ = writeln!(stdout().lock(), "{line}");
}
