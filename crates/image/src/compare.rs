//! What two layers that were to be one differ in, file by file.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
    path::PathBuf,
};

use notes_oci::{Digest, Hashing};

use crate::{
    tar::{Attributes, Body},
    unpack::{self, Record},
};

/// A file that is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The file's path in the layer.
    pub path: PathBuf,
    /// What differs, at least one.
    pub aspects: Vec<Aspect>,
}

/// What of a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The second layer does not have it.
    Missing,
    /// Only the second layer has it.
    Added,
    /// A file here is a directory or a link there, or another device.
    Kind,
    /// The content, or where a link leads.
    Content,
    /// The time of the last change.
    Modified,
    /// The mode.
    Mode,
    /// The user or the group.
    Owner,
    /// Extended attributes.
    Attributes,
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Modified => "mtime",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Attributes => "attributes",
        })
    }
}

/// Returns what differs between two layers, compressed in whatever way, sorted by path. Layers of the same files in another order, or packed otherwise,
/// differ in nothing.
///
/// # Errors
///
/// Where an archive cannot be read to its end.
///
/// # Examples
///
/// ```
/// use notes_image::{
///     compare::{Aspect, differences},
///     tar::{Attributes, Body, Writer},
/// };
///
/// let layer = |modified| {
///     let mut writer = Writer::new(Vec::new());
///     let attributes = Attributes { mode: 0o644, modified, ..Attributes::default() };
///     writer.append("stamp".as_ref(), &attributes, &Body::File(1), &mut &b"1"[..])?;
///     writer.finish()
/// };
/// let found = differences(layer(1)?.as_slice(), layer(2)?.as_slice())?;
/// assert_eq!(found[0].path.to_str(), Some("stamp"));
/// assert_eq!(found[0].aspects, [Aspect::Modified]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn differences(expected: impl Read, found: impl Read) -> io::Result<Vec<Difference>> {
    let (expected, mut found) = (files(expected)?, files(found)?);
    let mut differences = BTreeMap::new();
    for (path, before) in expected {
        let aspects = match found.remove(&path) {
            Some(after) => before.aspects(&after),
            None => vec![Aspect::Missing],
        };
        if !aspects.is_empty() {
            differences.insert(path, aspects);
        }
    }
    differences.extend(found.into_keys().map(|path| (path, vec![Aspect::Added])));
    Ok(differences.into_iter().map(|(path, aspects)| Difference { path, aspects }).collect())
}

/// A file with its content as a digest.
struct File {
    attributes: Attributes,
    body: Body,
    content: Digest,
}

impl File {
    fn aspects(&self, other: &Self) -> Vec<Aspect> {
        let (mine, theirs) = (&self.attributes, &other.attributes);
        let is_kind = std::mem::discriminant(&self.body) == std::mem::discriminant(&other.body);
        let is_content = self.content == other.content && self.body == other.body;
        let equal = [
            (Aspect::Kind, is_kind),
            (Aspect::Content, is_content || !is_kind),
            (Aspect::Modified, mine.modified == theirs.modified),
            (Aspect::Mode, mine.mode == theirs.mode),
            (Aspect::Owner, (mine.uid, mine.gid) == (theirs.uid, theirs.gid)),
            (Aspect::Attributes, mine.xattrs == theirs.xattrs),
        ];
        equal.into_iter().filter(|(_, equal)| !equal).map(|(aspect, _)| aspect).collect()
    }
}

/// Reads an archive. What stays in memory grows with the number of files, not with their size.
fn files(layer: impl Read) -> io::Result<BTreeMap<PathBuf, File>> {
    let mut archive = ::tar::Archive::new(unpack::decompress(layer)?);
    let mut files = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(Record { path, attributes, body }) = Record::read(&mut entry)? else { continue };
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut entry, &mut hashing)?;
        files.insert(path, File { attributes, body, content: hashing.finish().1 });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::Writer;

    type Entry<'a> = (&'a str, Body, &'a [u8], Attributes);

    fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (path, body, content, attributes) in entries {
            let mut content = *content;
            writer.append(path.as_ref(), attributes, body, &mut content).unwrap();
        }
        writer.finish().unwrap()
    }

    fn plain() -> Attributes {
        Attributes { mode: 0o644, ..Attributes::default() }
    }

    #[test]
    fn each_aspect_is_named() {
        let file = |attributes| ("a", Body::File(1), &b"1"[..], attributes);
        let before = layer(&[file(plain())]);
        let xattrs = BTreeMap::from([("user.a".into(), b"b".to_vec())]);
        for (after, aspects) in [
            (vec![file(plain())], vec![]),
            (vec![], vec![Aspect::Missing]),
            (vec![("a", Body::File(1), b"2", plain())], vec![Aspect::Content]),
            (vec![("a", Body::Symlink("b".into()), b"", plain())], vec![Aspect::Kind]),
            (
                vec![file(Attributes { modified: 9, mode: 0o600, ..plain() })],
                vec![Aspect::Modified, Aspect::Mode],
            ),
            (vec![file(Attributes { gid: 1, ..plain() })], vec![Aspect::Owner]),
            (vec![file(Attributes { xattrs, ..plain() })], vec![Aspect::Attributes]),
        ] {
            let after = layer(&after);
            let found = differences(before.as_slice(), after.as_slice()).unwrap();
            let found: Vec<_> = found.into_iter().flat_map(|it| it.aspects).collect();
            assert_eq!(found, aspects);
        }
    }

    #[test]
    fn links_and_new_files_count_and_the_order_does_not() {
        let link = |target: &str| ("l", Body::Symlink(target.into()), &b""[..], plain());
        let file = |name| (name, Body::File(1), &b"1"[..], plain());
        let before = layer(&[link("a"), file("m")]);
        let found = |after: &[Entry<'_>]| {
            let found = differences(before.as_slice(), layer(after).as_slice()).unwrap();
            found.into_iter().map(|it| (it.path, it.aspects)).collect::<Vec<_>>()
        };
        assert_eq!(found(&[file("m"), link("a")]), []);
        assert_eq!(
            found(&[file("m"), link("b"), file("n")]),
            [("l".into(), vec![Aspect::Content]), ("n".into(), vec![Aspect::Added])]
        );
    }
}
