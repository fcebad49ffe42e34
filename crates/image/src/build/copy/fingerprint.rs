//! What a `COPY` would read, as one digest.

use std::{collections::BTreeMap, io, os::unix::ffi::OsStrExt, path::Path};

use notes_dockerfile::Ignore;
use notes_oci::{Digest, Hashing};

use super::{
    Archives, Error, Request, Source, leaves_out, parts::Parts, remote::shown, select,
    select::Selected,
};
use crate::tree::{Entry, Kind, Tree};

/// What a request uses.
pub(crate) struct Fingerprint {
    /// A digest of it all.
    pub(crate) digest: Digest,
    /// Digests of its parts, files or directories, by their names.
    pub(crate) parts: BTreeMap<String, Digest>,
}

/// Returns a digest of every path, kind, mode, owner, attribute and content that the request uses; times do not count, and
/// neither does what `--exclude` leaves out. Files whose content id is known are not opened.
pub(crate) fn fingerprint(request: &Request, tree: &dyn Tree) -> Result<Fingerprint, Error> {
    let (hashing, own) = (Hashing::new(()), Hashing::new(()));
    let Request { excludes, archives, .. } = request;
    let parts = Parts::default();
    let mut fingerprint = Walk { tree, excludes, archives: *archives, hashing, own, parts };
    for source in &request.sources {
        match source {
            Source::Text { name, content } => {
                fingerprint.begin();
                fingerprint.part(b"text");
                fingerprint.part(name.as_bytes());
                fingerprint.part(content);
                fingerprint.end(format!("<<{name}").as_ref());
            }
            Source::Remote(remote) => {
                fingerprint.begin();
                fingerprint.part(b"remote");
                fingerprint.part(remote.key().as_bytes());
                fingerprint.end(address(&remote.url).as_ref());
            }
            Source::Commit(commit) => {
                fingerprint.begin();
                fingerprint.part(b"commit");
                fingerprint.part(commit.key().as_bytes());
                fingerprint.end(address(&commit.url).as_ref());
            }
            Source::Pattern(pattern) => {
                fingerprint.part(b"pattern");
                fingerprint.part(pattern.as_bytes());
                for selected in select::select(tree, pattern, request.parents)? {
                    fingerprint.selected(&selected)?;
                }
            }
        }
    }
    let Walk { hashing, parts, .. } = fingerprint;
    Ok(Fingerprint { digest: hashing.finish().1, parts: parts.finish() })
}

/// Returns what is kept of an address: what follows a question mark may be a token.
fn address(url: &str) -> String {
    let shown = shown(url);
    shown.split(['?', '#']).next().unwrap_or_default().into()
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    excludes: &'a Ignore,
    archives: Archives,
    hashing: Hashing<()>,
    /// What of it belongs to one entry.
    own: Hashing<()>,
    parts: Parts,
}

impl Walk<'_> {
    fn part(&mut self, bytes: &[u8]) {
        for hashing in [&mut self.hashing, &mut self.own] {
            hashing.update(&(bytes.len() as u64).to_be_bytes());
            hashing.update(bytes);
        }
    }

    fn begin(&mut self) {
        self.own = Hashing::new(());
    }

    fn end(&mut self, name: &Path) {
        self.parts.add(name, self.own.digest());
    }

    fn selected(&mut self, selected: &Selected) -> Result<(), Error> {
        let Selected { path, name, entry, within } = selected;
        let named = if entry.is_directory() { within } else { name };
        // A file may be an archive, which is unpacked all the same.
        let counts = self.archives == Archives::Unpack && !entry.is_directory();
        if !counts && leaves_out(self.excludes, named, entry.is_directory()) {
            return Ok(());
        }
        self.entry(path, name.as_os_str().as_bytes(), entry)?;
        if entry.is_directory() { self.contents(path, within) } else { Ok(()) }
    }

    /// Adds the entries of a directory, `within` being what `--exclude` calls it.
    fn contents(&mut self, path: &Path, within: &Path) -> Result<(), Error> {
        let read = |source| Error::Read { path: path.into(), source };
        self.part(b"contents");
        for (name, entry) in self.tree.children(path).map_err(read)? {
            let (path, within) = (path.join(&name), within.join(&name));
            if leaves_out(self.excludes, &within, entry.is_directory()) {
                continue;
            }
            self.entry(&path, name.as_bytes(), &entry)?;
            if entry.is_directory() {
                self.contents(&path, &within)?;
            }
        }
        self.part(b"end");
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &[u8], entry: &Entry) -> Result<(), Error> {
        self.begin();
        self.part(name);
        for number in [entry.mode, entry.uid, entry.gid] {
            self.part(&number.to_be_bytes());
        }
        self.part(&(entry.xattrs.len() as u64).to_be_bytes());
        for (name, value) in &entry.xattrs {
            self.part(name.as_bytes());
            self.part(value);
        }
        match &entry.kind {
            Kind::File(_) => {
                let content = match &entry.content {
                    Some(content) => content.clone(),
                    None => self
                        .digest(path)
                        .map_err(|source| Error::Read { path: path.into(), source })?
                        .to_string(),
                };
                self.part(b"file");
                self.part(content.as_bytes());
            }
            Kind::Symlink(target) => {
                self.part(b"link");
                self.part(target.as_os_str().as_bytes());
            }
            Kind::Directory => self.part(b"directory"),
            other => self.part(format!("{other:?}").as_bytes()),
        }
        self.end(path);
        Ok(())
    }

    fn digest(&self, path: &Path) -> io::Result<Digest> {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut self.tree.open(path)?, &mut hashing)?;
        Ok(hashing.finish().1)
    }
}
