//! What a `COPY` would read, as one digest.

use std::{
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use notes_oci::{Digest, Hashing};

use super::{Error, Request, Source, select};
use crate::tree::{Entry, Kind, Tree};

/// Returns a digest of every path, kind, mode, owner, attribute and content that the request uses; times do not count.
/// Files whose content id is known are not opened.
pub(crate) fn fingerprint(request: &Request, tree: &dyn Tree) -> Result<Digest, Error> {
    let mut fingerprint = Fingerprint { tree, hashing: Hashing::new(()) };
    for source in &request.sources {
        match source {
            Source::Text { name, content } => {
                fingerprint.part(b"text");
                fingerprint.part(name.as_bytes());
                fingerprint.part(content);
            }
            Source::Pattern(pattern) => {
                fingerprint.part(b"pattern");
                fingerprint.part(pattern.as_bytes());
                for selected in select::select(tree, pattern, request.parents)? {
                    fingerprint.entry(&selected.path, &selected.name, &selected.entry)?;
                }
            }
        }
    }
    Ok(fingerprint.hashing.finish().1)
}

struct Fingerprint<'a> {
    tree: &'a dyn Tree,
    hashing: Hashing<()>,
}

impl Fingerprint<'_> {
    fn part(&mut self, bytes: &[u8]) {
        self.hashing.update(&(bytes.len() as u64).to_be_bytes());
        self.hashing.update(bytes);
    }

    fn entry(&mut self, path: &Path, name: &Path, entry: &Entry) -> Result<(), Error> {
        self.part(name.as_os_str().as_bytes());
        for number in [entry.mode, entry.uid, entry.gid] {
            self.part(&number.to_be_bytes());
        }
        for (name, value) in &entry.xattrs {
            self.part(name.as_bytes());
            self.part(value);
        }
        let read = |source| Error::Read { path: path.into(), source };
        match &entry.kind {
            Kind::File(_) => {
                let content = match &entry.content {
                    Some(content) => content.clone(),
                    None => self.digest(path).map_err(read)?.to_string(),
                };
                self.part(b"file");
                self.part(content.as_bytes());
            }
            Kind::Symlink(target) => {
                self.part(b"link");
                self.part(target.as_os_str().as_bytes());
            }
            Kind::Directory => {
                let children = self.tree.children(path).map_err(read)?;
                self.part(b"directory");
                self.part(&(children.len() as u64).to_be_bytes());
                for (name, child) in children {
                    let child_path: PathBuf = path.join(&name);
                    self.entry(&child_path, Path::new(&name), &child)?;
                }
            }
            other => self.part(format!("{other:?}").as_bytes()),
        }
        Ok(())
    }

    fn digest(&self, path: &Path) -> io::Result<Digest> {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut self.tree.open(path)?, &mut hashing)?;
        Ok(hashing.finish().1)
    }
}
