//! Files that git LFS keeps outside of the repository's objects.

use std::path::{Path, PathBuf};

/// What stands in the tree instead of a file that git LFS keeps (git-lfs, docs/spec.md, "The Pointer").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The SHA-256 of the content in hexadecimal digits.
    pub(crate) oid: String,
    /// Its size in bytes.
    pub(crate) size: u64,
}

impl Pointer {
    /// "Pointer files must be less than 1024 bytes"; none is shorter than its three lines.
    pub(crate) const SIZES: std::ops::Range<u64> = 100..1024;

    /// Parses the content of a blob; `None` if it is an ordinary file.
    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(content).ok()?;
        let mut lines = text.lines();
        if lines.next()? != "version https://git-lfs.github.com/spec/v1" {
            return None;
        }
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => oid = value.strip_prefix("sha256:"),
                ("size", value) => size = value.parse().ok(),
                _ => {}
            }
        }
        let oid =
            oid.filter(|oid| oid.len() == 64 && oid.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(Self { oid: oid.into(), size: size? })
    }

    /// Returns where git LFS keeps the content once it was fetched.
    pub(crate) fn object(&self, common_directory: &Path) -> PathBuf {
        let (first, second) = (&self.oid[..2], &self.oid[2..4]);
        [
            common_directory,
            "lfs/objects".as_ref(),
            first.as_ref(),
            second.as_ref(),
            self.oid.as_ref(),
        ]
        .iter()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_told_from_a_file_that_speaks_of_one() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        let pointer = Pointer::parse(text.as_bytes()).unwrap();
        assert_eq!(pointer, Pointer { oid: oid.into(), size: 12345 });
        assert!(Pointer::SIZES.contains(&(text.len() as u64)));
        assert!(pointer.object(Path::new("/r")).ends_with(format!("lfs/objects/4d/7a/{oid}")));
        for other in ["", "version https://git-lfs.github.com/spec/v1\n", "oid sha256:00\nsize 1\n"]
        {
            assert_eq!(Pointer::parse(other.as_bytes()), None, "{other}");
        }
    }
}
