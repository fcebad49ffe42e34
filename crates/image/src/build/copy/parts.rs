//! What a `COPY` reads, in so few parts that they can be kept: what changed is to be named later.

use std::{
    collections::BTreeMap,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use notes_oci::Digest;

/// So many parts are kept apart.
const MOST: usize = 128;

/// The digests of files; where there are too many, those of the deepest directories.
#[derive(Debug, Default)]
pub(super) struct Parts {
    files: BTreeMap<PathBuf, Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    digest: Digest,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Alone,
    /// With all that is below it.
    Folded,
}

impl Parts {
    pub(super) fn add(&mut self, path: &Path, digest: Digest) {
        self.files.insert(path.into(), Part { digest, kind: Kind::Alone });
    }

    /// Returns few parts by their names; that of a directory with all below it ends in a slash.
    pub(super) fn finish(mut self) -> BTreeMap<String, Digest> {
        while self.files.len() > MOST {
            self.fold();
        }
        let names = self.files.into_iter().map(|(path, part)| {
            let end = if part.kind == Kind::Folded { "/" } else { "" };
            let path = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
            (format!("{}{end}", path.display()), part.digest)
        });
        names.collect()
    }

    /// Puts the deepest entries into their directories.
    fn fold(&mut self) {
        let depth = |path: &Path| path.components().count();
        let deepest = self.files.keys().map(|path| depth(path)).max().unwrap_or_default();
        let (below, mut kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.files).into_iter().partition(|(it, _)| depth(it) == deepest);
        for (path, part) in below {
            let directory = path.parent().unwrap_or(Path::new("")).to_owned();
            let name = path.file_name().unwrap_or_default().as_bytes();
            let before = kept.get(&directory).map(|it: &Part| it.digest.as_bytes().to_vec());
            let together = [&before.unwrap_or_default(), name, b"\0", part.digest.as_bytes()];
            let digest = Digest::of(together.concat());
            kept.insert(directory, Part { digest, kind: Kind::Folded });
        }
        self.files = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(files: usize, changed: usize) -> BTreeMap<String, Digest> {
        let mut parts = Parts::default();
        parts.add(Path::new("README"), Digest::of("1"));
        for number in 0..files {
            let directory = if number % 2 == 0 { "even" } else { "odd" };
            let content = if number == changed { "new" } else { "old" };
            let path = PathBuf::from(format!("src/{directory}/{number}"));
            parts.add(&path, Digest::of(content));
        }
        parts.finish()
    }

    #[test]
    fn few_files_are_told_apart_and_many_by_their_directories() {
        let changes = |files, changed| -> Vec<String> {
            let (now, then) = (parts(files, changed), parts(files, usize::MAX));
            assert!(now.len() <= MOST);
            now.into_iter().filter(|(name, it)| then[name] != *it).map(|(name, _)| name).collect()
        };
        assert_eq!(changes(20, 7), ["src/odd/7"]);
        assert_eq!(changes(2_000, 1_000), ["src/even/"]);
        assert_eq!(changes(2_000, usize::MAX), <[String; 0]>::default());
    }
}
