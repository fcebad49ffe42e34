//! Recognising the re-executed child.

use std::ffi::OsStr;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::child;

/// The name a child is started under; also what `ps` shows.
pub(crate) const NAME: &str = "notes-sandbox";

/// Guards against another version of this crate in the same binary, and against accidents.
pub(crate) const PROTOCOL: &str = concat!("--child-of-", env!("CARGO_PKG_VERSION"));

static CALLED: AtomicBool = AtomicBool::new(false);

/// Turns this process into the child that runs a command, if that is what it was started as, and
/// then never returns; otherwise does nothing.
///
/// It must be the first thing `main` does: before threads, before arguments are parsed, before
/// anything is written.
///
/// ```no_run
/// # // A whole program:
/// notes_sandbox::init();
/// // … then everything else
/// ```
#[expect(clippy::exit, reason = "the child is not the program: nothing of main may run in it")]
pub fn init() {
    CALLED.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    if name.as_deref() == Some(OsStr::new(NAME))
        && arguments.next().as_deref() == Some(OsStr::new(PROTOCOL))
    {
        process::exit(child::main());
    }
}

/// Says whether [`init`] was called, so that a child of this program would be recognised.
pub(crate) fn was_called() -> bool {
    CALLED.load(Ordering::Relaxed)
}
