//! Large files of a commit as a stream: git compresses an object as one, and gix reads it into memory.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::bufread::ZlibDecoder;
use gix::{ObjectId, odb::pack};

/// What is smaller is read whole: to look for it first would take longer.
const LARGE: u64 = 4 << 20;

/// How much is read at a time.
const CHUNK: usize = 128 << 10;

/// A stream of an object's content.
type Content = Box<dyn Read + Send>;

/// Opens a large blob; `None` where it is small, a difference to another object, or cannot be found this way, and gix has to
/// read it.
pub(crate) fn open(repository: &gix::Repository, id: ObjectId) -> Option<Content> {
    let size = repository.find_header(id).ok()?.size();
    if size < LARGE {
        return None;
    }
    let store = repository.objects.store_ref();
    let others = store.alternate_db_paths().unwrap_or_default();
    [store.path().to_owned()].into_iter().chain(others).find_map(|objects| {
        loose(&objects, id).or_else(|| packed(&objects, id)).map(|content| {
            // As much as there is to be, so that an object that is cut short is noticed by who counts.
            Box::new(content.take(size)) as Content
        })
    })
}

/// Opens an object that is a file of its own: `blob SIZE`, a zero byte, and the content (gitformat-loose).
fn loose(objects: &Path, id: ObjectId) -> Option<Content> {
    let hex = id.to_hex().to_string();
    let (directory, name) = hex.split_at(2);
    let file = File::open(objects.join(directory).join(name)).ok()?;
    let mut content = BufReader::with_capacity(CHUNK, ZlibDecoder::new(buffered(file)));
    let mut header = Vec::new();
    content.read_until(0, &mut header).ok()?;
    header.starts_with(b"blob ").then(|| Box::new(content) as Content)
}

/// Opens an object that lies whole in a pack (gitformat-pack).
fn packed(objects: &Path, id: ObjectId) -> Option<Content> {
    let entries = fs::read_dir(objects.join("pack")).ok()?;
    let indices = entries.filter_map(|entry| Some(entry.ok()?.path()));
    indices.filter(|path| path.extension().is_some_and(|it| it == "idx")).find_map(|index| {
        let at = place(&index, id)?;
        let mut file = File::open(index.with_extension("pack")).ok()?;
        file.seek(SeekFrom::Start(at)).ok()?;
        Some(Box::new(ZlibDecoder::new(buffered(file))) as Content)
    })
}

/// Returns where the compressed content of a blob begins in the pack of an index.
fn place(index: &Path, id: ObjectId) -> Option<u64> {
    let known = pack::index::File::at(index, id.kind()).ok()?;
    let offset = known.pack_offset_at_index(known.lookup(id)?);
    let entry =
        pack::data::File::at(index.with_extension("pack"), id.kind()).ok()?.entry(offset).ok()?;
    matches!(entry.header, pack::data::entry::Header::Blob).then_some(entry.data_offset)
}

fn buffered(file: File) -> BufReader<File> {
    BufReader::with_capacity(CHUNK, file)
}
