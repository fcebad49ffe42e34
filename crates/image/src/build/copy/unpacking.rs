//! Local archives of `ADD`.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    mem,
    path::Path,
    sync::Arc,
};

use super::{Conflicts, Error, Parents, arrange::Arrangement, arrange::Into, select::Selected};
use crate::{
    overlay::Layers,
    store::DraftDirectory,
    tree::{Entry, Kind, Tree},
    unpack,
};

/// An archive, unpacked into a directory of its own.
pub(super) struct Archive {
    tree: Arc<dyn Tree>,
}

/// Unpacks `selected` if its content is an archive: its name does not matter.
pub(super) fn unpacked(
    tree: &dyn Tree,
    selected: &Selected,
    scratch: &DraftDirectory,
    number: usize,
) -> Result<Option<Archive>, Error> {
    if !matches!(selected.entry.kind, Kind::File(size) if size > 0) {
        return Ok(None);
    }
    let read = |source| Error::Read { path: selected.path.clone(), source };
    let file = tree.open(&selected.path).map_err(read)?;
    let Some(archive) = archive(file).map_err(read)? else { return Ok(None) };
    // A directory that no other archive of this step has.
    let target = scratch.scratch(&format!("archive-{number}"));
    fs::create_dir(&target).map_err(|source| Error::Write { source })?;
    unpack::extract(archive, &target)
        .map_err(|source| Error::Archive { path: selected.path.clone(), source })?;
    Ok(Some(Archive { tree: Arc::new(Layers::new([target])) }))
}

impl Archive {
    /// Puts what is in the archive into the directory `destination`, which is made if it is not there. The archive's own
    /// root entry says nothing about it (osscontainertools/kaniko#842).
    pub(super) fn add(
        &self,
        arrangement: &mut Arrangement,
        destination: &Path,
    ) -> Result<(), Error> {
        // The mode and `--exclude` are for what is copied: an archive has its own, and is unpacked whole (`docopy` in `BuildKit`'s
        // `solver/llbsolver/file/backend.go`).
        let (mode, excludes) = (arrangement.mode.take(), mem::take(&mut arrangement.excludes));
        arrangement.directories(destination)?;
        let root = Selected {
            path: "".into(),
            name: "".into(),
            entry: Entry::directory(),
            within: "".into(),
        };
        arrangement.conflicts = Conflicts::Replace;
        let added = arrangement.add(&self.tree, &root, destination, Into::Directory, Parents::Drop);
        arrangement.conflicts = Conflicts::Refuse;
        (arrangement.mode, arrangement.excludes) = (mode, excludes);
        added
    }
}

/// Returns the plain tar in `file`, if its content is one: as it is, or in gzip, bzip2, xz or zstd.
fn archive(file: Box<dyn Read + Send>) -> io::Result<Option<Box<dyn Read>>> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let start = file.fill_buf()?;
    let plain: Box<dyn Read> = if start.starts_with(b"BZh") {
        Box::new(bzip2::read::MultiBzDecoder::new(file))
    } else if start.starts_with(b"\xfd7zXZ\0") {
        Box::new(lzma_rust2::XzReader::new(file, true))
    } else {
        unpack::decompress(file)?
    };
    // What merely begins like a compressed file is copied like any other.
    let mut head = Vec::with_capacity(512);
    let mut plain = plain;
    if plain.by_ref().take(512).read_to_end(&mut head).is_err() || !is_tar(&head) {
        return Ok(None);
    }
    Ok(Some(Box::new(io::Cursor::new(head).chain(plain))))
}

/// Tells whether a block is a tar header: its checksum is right.
fn is_tar(block: &[u8]) -> bool {
    if block.len() < 512 {
        return false;
    }
    let written = block[148..156].iter().filter(|byte| (b'0'..=b'7').contains(byte));
    let written = written.fold(0_u32, |sum, digit| (sum << 3) | u32::from(digit - b'0'));
    let blank = |(index, byte): (usize, &u8)| {
        if (148..156).contains(&index) { u32::from(b' ') } else { u32::from(*byte) }
    };
    let sum: u32 = block[..512].iter().enumerate().map(blank).sum();
    written == sum && block[0] != 0
}
