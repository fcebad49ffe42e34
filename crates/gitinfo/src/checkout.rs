//! The `.git` of a checkout of one commit: the same bytes whenever and wherever it is made.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Seek as _, Write},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use gix::{
    hash,
    objs::Kind,
    odb::pack::{Bundle, bundle::write::Options as WriteOptions, data::entry::Header},
    progress::Discard,
    zlib::{Compression, stream::deflate},
};

use crate::{Id, Kind as EntryKind, Repository, Revision, Tip, TreeError, skeleton};

/// The error returned when a git directory cannot be made of a commit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// The commit's files cannot be listed.
    #[error(transparent)]
    Tree {
        /// Why not.
        source: TreeError,
    },
    /// An object cannot be read, or is more than a git directory can hold.
    #[error("failed to read the object {id}")]
    Object {
        /// The object.
        id: Id,
        /// Why not.
        source: Box<gix::Error>,
    },
    /// A file of the git directory cannot be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Repository {
    /// Writes the git directory that a checkout of `revision` has into the empty directory `into`: the commit, its files and
    /// nothing of its history, the branch or tag it was found by, an index, and `origin` as the remote.
    ///
    /// What git itself would write depends on the server, the version of git and the clock. This depends on the commit
    /// alone: one pack without deltas, its objects in the order of their ids, and an index without times, which git
    /// completes when it looks at the files.
    pub fn write_checkout(
        &self,
        revision: &Revision,
        tip: &Tip,
        origin: &str,
        into: &Path,
    ) -> Result<(), CheckoutError> {
        let write = |(path, source)| CheckoutError::Write { path, source };
        skeleton::write(into, revision.commit, Some(origin)).map_err(write)?;
        let mut objects = self.objects(revision)?;
        objects.extend(self.tags_on_the_way(tip)?);
        self.write_pack(&objects, &into.join("objects/pack"))?;
        self.write_index(revision, &into.join("index"))?;
        let mut files = Vec::new();
        if self.is_shallow() {
            files.push(("shallow", revision.commit));
        }
        if let Some(reference) = &tip.reference {
            files.push((reference, tip.tag.unwrap_or(revision.commit)));
        }
        for (name, id) in files {
            let path = into.join(name);
            let parent = path.parent().unwrap_or(into);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, format!("{id}\n")))
                .map_err(|source| CheckoutError::Write { path, source })?;
        }
        Ok(())
    }

    /// Returns the commit, its directories and its files.
    fn objects(&self, revision: &Revision) -> Result<BTreeSet<Id>, CheckoutError> {
        let tree = self.tree(revision).map_err(|source| CheckoutError::Tree { source })?;
        let entries = tree.walk("".as_ref()).map_err(|source| CheckoutError::Tree { source })?;
        let here = entries.iter().filter(|entry| entry.kind != EntryKind::Submodule);
        let mut objects: BTreeSet<Id> = here.map(|entry| entry.id).collect();
        objects.extend([revision.commit, revision.tree]);
        Ok(objects)
    }

    /// Returns the tag objects between a name and its commit: a tag may be one of a tag.
    fn tags_on_the_way(&self, tip: &Tip) -> Result<Vec<Id>, CheckoutError> {
        let repository = self.local();
        let (mut tags, mut next) = (Vec::new(), tip.tag);
        while let Some(id) = next {
            let failed = |source: gix::Error| CheckoutError::Object { id, source: source.into() };
            let object = repository.find_object(id.0).map_err(failed)?;
            next = match object.kind {
                Kind::Tag => {
                    tags.push(id);
                    Some(Id(object.into_tag().target_id().map_err(failed)?.detach()))
                }
                _ => None,
            };
        }
        Ok(tags)
    }

    fn write_pack(&self, objects: &BTreeSet<Id>, packs: &Path) -> Result<(), CheckoutError> {
        let path = packs.join("new");
        let failed = |source| CheckoutError::Write { path: path.clone(), source };
        let mut file = File::create_new(&path).map_err(failed)?;
        self.write_objects(objects, &mut file)?;
        // Its reading makes the index, and gives it the name that git expects.
        let mut file = File::open(&path).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let kind = self.local().object_hash();
        let (base, stop) = (None::<gix::OdbHandle>, AtomicBool::new(false));
        let written = Bundle::write_to_directory(
            &mut BufReader::new(file),
            Some(packs),
            &mut Discard,
            &stop,
            base,
            kind,
            WriteOptions::default(),
        );
        let written = written.map_err(|error| failed(io::Error::other(error)))?;
        written.keep_path.iter().try_for_each(fs::remove_file).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)
    }

    /// Writes a pack (gitformat-pack(5)).
    fn write_objects(&self, objects: &BTreeSet<Id>, file: &mut File) -> Result<(), CheckoutError> {
        let repository = self.local();
        let failed =
            |id| move |source: gix::Error| CheckoutError::Object { id, source: source.into() };
        let mut out = hash::io::Write::new(BufWriter::new(file), repository.object_hash());
        let mut last = None;
        for (number, id) in objects.iter().enumerate() {
            let object = repository.find_object(id.0).map_err(failed(*id))?;
            let header = if number == 0 { Some(objects.len()) } else { None };
            write_object(&mut out, header, object.kind, &object.data)
                .map_err(|error| failed(*id)(gix::Error::from_error(error)))?;
            last = Some(*id);
        }
        let Some(last) = last else { return Ok(()) };
        let checksum = out.hash.try_finalize().map_err(failed(last))?;
        out.inner
            .write_all(checksum.as_slice())
            .and_then(|()| out.inner.flush())
            .map_err(|error| failed(last)(gix::Error::from_error(error)))
    }

    fn write_index(&self, revision: &Revision, path: &Path) -> Result<(), CheckoutError> {
        let id = revision.tree;
        let failed = |source: gix::Error| CheckoutError::Object { id, source: source.into() };
        let index = self.local().index_from_tree(&id.0).map_err(failed)?;
        let mut file = File::create_new(path)
            .map_err(|source| CheckoutError::Write { path: path.into(), source })?;
        index.write_to(&mut file, gix::index::write::Options::default()).map(drop).map_err(failed)
    }
}

/// Writes one object of a pack; the first after the header of the pack, which says how many there are.
fn write_object(
    out: &mut dyn Write,
    count: Option<usize>,
    kind: Kind,
    data: &[u8],
) -> io::Result<()> {
    if let Some(count) = count {
        let count = u32::try_from(count).map_err(io::Error::other)?;
        out.write_all(b"PACK\0\0\0\x02")?;
        out.write_all(&count.to_be_bytes())?;
    }
    let header = match kind {
        Kind::Commit => Header::Commit,
        Kind::Tree => Header::Tree,
        Kind::Blob => Header::Blob,
        Kind::Tag => Header::Tag,
    };
    header.write_to(data.len() as u64, out)?;
    let mut compressed = deflate::Write::new(out, Compression::DEFAULT);
    compressed.write_all(data)?;
    compressed.flush()
}
