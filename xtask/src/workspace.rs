//! Where things are.

use std::{
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Returns the root of the workspace: of the one in which cargo runs this program, which may be another than the one it was
/// built in where clones share a target directory.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let built = || env!("CARGO_MANIFEST_DIR").into();
        let directory = env::var_os("CARGO_MANIFEST_DIR").map_or_else(built, PathBuf::from);
        directory.parent().expect("xtask is a directory of the workspace").to_owned()
    });
    &ROOT
}
