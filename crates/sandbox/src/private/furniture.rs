//! What a command finds besides its files, put among them while it runs and taken out afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::child::places::Kind;
use crate::mounts::{Access, Mount};
use crate::private::exchange::Exchange;
use crate::private::index::{Index, Stamp};
use crate::private::place::{self, Place, Resolved};
use crate::private::{copies::Private, copy};
use crate::wire::{Confidential, Doing, Failure};

/// The furniture of one private copy; dropping it takes everything out.
#[derive(Debug)]
pub(crate) struct Furniture {
    root: PathBuf,
    aside: PathBuf,
    /// In the order they were put in.
    pieces: Vec<Piece>,
    /// Directories of the image in which something was put, by their paths.
    touched: BTreeMap<PathBuf, Touched>,
    secrets: Vec<File>,
    /// What the child writes into the secrets' files, so that it is the child's to wipe as well.
    pub(crate) confidential: Vec<Confidential>,
}

#[derive(Debug)]
struct Piece {
    place: Place,
    /// Its path in the root.
    path: PathBuf,
    kind: PieceKind,
}

#[derive(Debug)]
enum PieceKind {
    /// Something of the sandbox's own.
    Provided,
    /// Something that goes back where it came from.
    Exchanged(Exchange),
    /// A directory on the way to something; it stays if the command used it for something else.
    Made { directory: File, settled: Option<Stamp> },
}

/// A directory as it was before, and as it is when all is in place.
#[derive(Debug)]
struct Touched {
    directory: File,
    before: Metadata,
    settled: Option<Stamp>,
}

impl Furniture {
    pub(crate) fn new(private: &Private) -> Result<Self, Failure> {
        let canonical =
            |path: PathBuf| fs::canonicalize(&path).doing(|| format!("open `{}`", path.display()));
        Ok(Self {
            root: canonical(private.files())?,
            aside: canonical(private.aside())?,
            pieces: Vec::new(),
            touched: BTreeMap::new(),
            secrets: Vec::new(),
            confidential: Vec::new(),
        })
    }

    /// Puts in what a command asks for.
    pub(crate) fn mount(&mut self, mount: &Mount) -> Result<(), Failure> {
        let target = mount.target();
        match mount {
            Mount::Bind { source, access, .. } => self.bind(source, target, *access),
            Mount::Cache { source, .. } => self.bind(source, target, Access::Kept),
            Mount::Tmpfs { .. } => self.directory(target, 0o1777).map(drop),
            Mount::Ssh { socket, .. } => {
                let path = self.place(target)?;
                // The same socket under another name; there is no such thing as a copy of one.
                fs::hard_link(socket, path).doing(|| putting(target))
            }
            Mount::Secret { content, mode, uid, gid, .. } => {
                let path = self.place(target)?;
                let make = || -> io::Result<File> {
                    let file =
                        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                    fchown(&file, Some(*uid), Some(*gid))?;
                    file.set_permissions(fs::Permissions::from_mode(*mode))?;
                    Ok(file)
                };
                self.secrets.push(make().doing(|| putting(target))?);
                let path = self.root.join(&self.pieces.last().expect("it was placed").path);
                self.confidential.push(Confidential { path, content: content.clone() });
                Ok(())
            }
        }
    }

    /// Puts in a file of the sandbox's own.
    pub(crate) fn file(&mut self, target: &str, content: &[u8]) -> Result<(), Failure> {
        let target = Path::new(target);
        let path = self.place(target)?;
        let write = || {
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))
        };
        write().doing(|| putting(target))
    }

    /// Puts in an empty directory and returns a path to it.
    pub(crate) fn directory(&mut self, target: &Path, mode: u32) -> Result<PathBuf, Failure> {
        let path = self.place(target)?;
        place::make_directory(&path, mode).doing(|| putting(target))?;
        Ok(path)
    }

    fn bind(&mut self, source: &Path, target: &Path, access: Access) -> Result<(), Failure> {
        Kind::of(source).doing(|| format!("copy `{}`", source.display()))?;
        let path = self.place(target)?;
        let doing = || format!("copy `{}` to `{}`", source.display(), target.display());
        match access {
            Access::ReadOnly | Access::Discarded => copy::tree(source, &path).doing(doing),
            Access::Kept => {
                let exchange = Exchange::bring(source, &path).doing(doing)?;
                let piece = self.pieces.last_mut().expect("it was placed");
                piece.kind = PieceKind::Exchanged(exchange);
                Ok(())
            }
        }
    }

    /// Makes room at `target` and returns a path at which nothing is.
    fn place(&mut self, target: &Path) -> Result<PathBuf, Failure> {
        self.try_place(target).doing(|| putting(target))
    }

    fn try_place(&mut self, target: &Path) -> io::Result<PathBuf> {
        let Resolved { mut directory, missing, name } = place::resolve(&self.root, target)?;
        self.touch(&directory)?;
        for name in missing {
            let place = Place::take(&self.root.join(&directory), &name, self.next_aside())?;
            place::make_directory(&place.path(), 0o755)?;
            let opened = place::open_directory(&place.path())?;
            directory.push(name);
            let kind = PieceKind::Made { directory: opened, settled: None };
            self.pieces.push(Piece { place, path: directory.clone(), kind });
        }
        let place = Place::take(&self.root.join(&directory), &name, self.next_aside())?;
        let (path, kind) = (directory.join(name), PieceKind::Provided);
        self.pieces.push(Piece { place, path, kind });
        Ok(self.pieces.last().expect("it was pushed").place.path())
    }

    fn next_aside(&self) -> PathBuf {
        self.aside.join(self.pieces.len().to_string())
    }

    /// Remembers a directory of the image as it is before something is put in.
    fn touch(&mut self, path: &Path) -> io::Result<()> {
        let ours = |piece: &Piece| path.starts_with(&piece.path);
        if self.touched.contains_key(path) || self.pieces.iter().any(ours) {
            return Ok(());
        }
        let directory = place::open_directory(&self.root.join(path))?;
        let before = directory.metadata()?;
        self.touched.insert(path.to_owned(), Touched { directory, before, settled: None });
        Ok(())
    }

    /// Gives the directories their times back and tells the index that they are as they should be.
    pub(crate) fn settle(&mut self, index: &mut Index) -> Result<(), Failure> {
        let mut settle = || -> io::Result<()> {
            for (path, touched) in &mut self.touched {
                rustix::fs::futimens(&touched.directory, &copy::times(&touched.before))?;
                let metadata = touched.directory.metadata()?;
                touched.settled = Some(Stamp::of(&metadata));
                index.refresh(path, &metadata);
            }
            for piece in &mut self.pieces {
                if let PieceKind::Made { directory, settled } = &mut piece.kind {
                    *settled = Some(Stamp::of(&directory.metadata()?));
                }
            }
            Ok(())
        };
        settle().doing(|| "put the times of directories back".to_owned())
    }

    /// Takes everything out, so that what differs from the index is what the command changed.
    pub(crate) fn clear(mut self, index: &mut Index) -> Result<(), Failure> {
        self.take_out(Some(index)).doing(|| "take out what the command was given".to_owned())
    }

    fn take_out(&mut self, mut index: Option<&mut Index>) -> io::Result<()> {
        // What the command did to directories shows before anything is taken out, and not after.
        let touched = std::mem::take(&mut self.touched)
            .into_iter()
            .map(|(path, touched)| Ok((path, touched.directory.metadata()?, touched)))
            .collect::<io::Result<Vec<_>>>()?;
        let mut unused = Vec::new();
        for piece in &self.pieces {
            unused.push(match &piece.kind {
                PieceKind::Made { directory, settled } => {
                    *settled == Some(Stamp::of(&directory.metadata()?)) || settled.is_none()
                }
                PieceKind::Provided | PieceKind::Exchanged(_) => true,
            });
        }
        let pieces: Vec<Piece> = self.pieces.drain(..).collect();
        for (mut piece, unused) in pieces.into_iter().zip(unused).rev() {
            match &piece.kind {
                PieceKind::Made { .. } if unused => piece.place.leave_empty()?,
                PieceKind::Made { .. } => {}
                kind => {
                    if let PieceKind::Exchanged(exchange) = kind {
                        exchange.take_back(&piece.place.path())?;
                    }
                    if let (Some(metadata), Some(index)) = (piece.place.leave()?, &mut index) {
                        index.refresh(&piece.path, &metadata);
                    }
                }
            }
        }
        for (path, seen, Touched { directory, before, settled }) in touched {
            let as_left = settled == Some(Stamp::of(&seen));
            let times = copy::times(if as_left { &before } else { &seen });
            rustix::fs::futimens(&directory, &times)?;
            if let Some(index) = index.as_mut().filter(|_| as_left) {
                index.refresh(&path, &directory.metadata()?);
            }
        }
        self.wipe()
    }

    /// Makes sure that no secret stays under a name that the command gave it.
    fn wipe(&mut self) -> io::Result<()> {
        for secret in self.secrets.drain(..) {
            secret.set_len(0)?;
            let metadata = secret.metadata()?;
            if metadata.nlink() > 0 {
                forget(&self.root, (metadata.dev(), metadata.ino()))?;
            }
        }
        Ok(())
    }
}

impl Drop for Furniture {
    fn drop(&mut self) {
        // After an error the copy itself is dropped as well, and with it whatever cannot be taken out.
        let _ = self.take_out(None);
        let _ = self.wipe();
    }
}

/// Removes every name of a file.
fn forget(directory: &Path, inode: (u64, u64)) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            forget(&entry.path(), inode)?;
        } else if (metadata.dev(), metadata.ino()) == inode {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn putting(target: &Path) -> String {
    format!("put something at `{}`", target.display())
}
