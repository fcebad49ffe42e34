//! From a layer's bytes to a directory in the form that overlayfs mounts.

mod entry;
mod root;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use notes_oci::{DiffId, Hashing};

pub(crate) use entry::Record;
use root::Root;

use crate::{overlay, tar};

/// The error returned when a layer cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive is damaged or ended early.
    #[error("the archive cannot be read")]
    Archive {
        /// Why not.
        source: io::Error,
    },
    /// An entry could not be written.
    #[error("failed to write `{}`", path.display())]
    Entry {
        /// The entry's path in the layer.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The archive is not the one that was announced.
    #[error("the archive has diff id {found} and was to have {expected}")]
    OtherContent {
        /// The diff id of the layer.
        expected: DiffId,
        /// That of the bytes.
        found: DiffId,
    },
}

/// Unpacks a layer, compressed in whatever way, into the empty directory `target`, and checks it against its diff id.
///
/// Nothing is written outside `target`, whatever links and names the archive has: every path is resolved by the kernel
/// with the directory as its root (`openat2(2)`, `RESOLVE_IN_ROOT`).
pub fn unpack(bytes: impl Read, target: &Path, diff_id: &DiffId) -> Result<(), Error> {
    let damaged = |source| Error::Archive { source };
    let mut hashing = Hashing::new(decompress(bytes).map_err(damaged)?);
    write_all(&mut hashing, target, Whiteouts::Meant)?;
    // A diff id covers the padding after the end of the archive, too.
    io::copy(&mut hashing, &mut io::sink()).map_err(damaged)?;
    let found = DiffId::from(hashing.finish().1);
    if found == *diff_id { Ok(()) } else { Err(Error::OtherContent { expected: *diff_id, found }) }
}

/// Unpacks a plain tar that is no layer: names that would be whiteouts are files like others.
pub(crate) fn extract(tar: impl Read, target: &Path) -> Result<(), Error> {
    write_all(tar, target, Whiteouts::Files)
}

/// Whether names that begin with `.wh.` delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whiteouts {
    Meant,
    Files,
}

fn write_all(tar: impl Read, target: &Path, whiteouts: Whiteouts) -> Result<(), Error> {
    let damaged = |source| Error::Archive { source };
    let mut root = Root::open(target).map_err(damaged)?;
    let mut archive = ::tar::Archive::new(tar);
    let mut directories = BTreeMap::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let Some(record) = Record::read(&mut entry).map_err(damaged)? else { continue };
        place(&mut root, &record, &mut entry, &mut directories, whiteouts)
            .map_err(|source| Error::Entry { path: record.path.clone(), source })?;
    }
    // Writing into a directory changes its time: those come last, the deepest first.
    for (path, modified) in directories.iter().rev() {
        root.set_modified(path, *modified)
            .map_err(|source| Error::Entry { path: path.clone(), source })?;
    }
    Ok(())
}

/// Writes one entry, or what a whiteout says.
fn place(
    root: &mut Root,
    record: &Record,
    content: &mut dyn Read,
    directories: &mut BTreeMap<PathBuf, i64>,
    whiteouts: Whiteouts,
) -> io::Result<()> {
    let Some(name) = record.path.file_name() else {
        // The layer's own root.
        directories.insert(PathBuf::new(), record.attributes.modified);
        return root.set_attributes_of_root(&record.attributes);
    };
    let parent = record.path.parent().unwrap_or(Path::new(""));
    if whiteouts == Whiteouts::Meant {
        if name == tar::OPAQUE {
            return root.make_opaque(parent);
        }
        if let Some(hidden) = entry::whiteout(name) {
            // `.wh..wh.` names are the books of aufs, and speak about no file.
            return match entry::whiteout(hidden) {
                Some(_) => Ok(()),
                None => root.white_out(parent, hidden),
            };
        }
    }
    if record.body == tar::Body::Directory {
        directories.insert(record.path.clone(), record.attributes.modified);
    }
    root.write(parent, name, record, content)
}

/// Returns the plain bytes of what may be gzip (of several members), zstd or not compressed: the first bytes say which.
pub(crate) fn decompress<'a>(bytes: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut bytes = BufReader::with_capacity(1 << 17, bytes);
    let start = bytes.fill_buf()?;
    if start.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(BufReader::with_capacity(1 << 17, flate2::bufread::MultiGzDecoder::new(bytes))))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Ok(Box::new(zstd::Decoder::with_buffer(bytes)?))
    } else {
        Ok(Box::new(bytes))
    }
}

/// Sets the attribute that makes a directory opaque for the mounts of this process: root's, or that of a user namespace.
pub(crate) fn set_opaque(directory: &std::fs::File) -> io::Result<()> {
    let mut last = io::ErrorKind::Unsupported.into();
    for name in overlay::OPAQUE {
        match rustix::fs::fsetxattr(directory, name, b"y", rustix::fs::XattrFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}
