//! Where development keeps what it makes once a machine.

use std::path::PathBuf;

/// Returns `$XDG_CACHE_HOME/notes-dev`, or `~/.cache/notes-dev`. This is the one place that asks the environment for it.
pub fn directory() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("notes-dev")
}
