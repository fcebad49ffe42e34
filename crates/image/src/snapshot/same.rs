//! Whether a file is what it was.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use crate::{
    overlay::Merged,
    tree::{Entry, Kind},
};

/// Tells whether `entry`, at `on_disk`, is what a layer would say about `before`. Only a file that agrees in everything else
/// is read.
///
/// A file with several names is another one: what its names share is a change in itself.
pub(super) fn is_same(before: &Merged, entry: &Entry, on_disk: &Path) -> io::Result<bool> {
    let Entry { kind, mode, uid, gid, modified, xattrs, content: _, inode } = entry;
    let known = &before.entry;
    let alike = known.kind == *kind
        && (known.mode, known.uid, known.gid) == (*mode, *uid, *gid)
        && known.modified == *modified
        && known.xattrs == *xattrs
        && inode.is_none();
    match (kind, before.sources.first()) {
        (Kind::File(size), Some(source)) if alike && *size > 0 => equal(source, on_disk),
        _ => Ok(alike),
    }
}

/// Compares the bytes of two files.
fn equal(one: &Path, other: &Path) -> io::Result<bool> {
    let open = |path| Ok::<_, io::Error>(BufReader::with_capacity(1 << 16, File::open(path)?));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let common = left.len().min(right.len());
        if common == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..common] != right[..common] {
            return Ok(false);
        }
        one.consume(common);
        other.consume(common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_equal_to_the_last_byte() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let long = vec![7; (1 << 16) + 1];
        let mut other = long.clone();
        *other.last_mut().unwrap() = 8;
        let (one, two, three) = (file("1", &long), file("2", &long), file("3", &other));
        assert!(equal(&one, &two).unwrap());
        assert!(!equal(&one, &three).unwrap());
        assert!(!equal(&one, &file("4", &long[1..])).unwrap());
    }
}
