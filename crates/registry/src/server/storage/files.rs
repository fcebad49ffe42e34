//! Small things done with files.

use std::{
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io,
    path::Path,
};

/// Removes what processes that live no more have left behind: their lock can be taken.
pub(super) fn remove_stale(uploads: &Path) -> io::Result<()> {
    for name in names(uploads)? {
        let directory = uploads.join(name);
        let is_stale = match File::open(directory.join("lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Not locked yet: its owner is starting right now. If it died there, an empty directory stays.
            Err(_) => false,
        };
        if is_stale {
            fs::remove_dir_all(directory)?;
        }
    }
    Ok(())
}

pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the names in a directory in byte order; a missing directory is empty.
pub(super) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Returns 32 hexadecimal digits; the standard library seeds its hashers from the system.
pub(in super::super) fn random_name() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}
