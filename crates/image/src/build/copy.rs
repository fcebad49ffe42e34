//! `COPY` and `ADD`: entries of trees become a layer.

pub(crate) mod arrange;
pub(crate) mod commit;
mod error;
mod fingerprint;
pub(crate) mod mode;
mod parts;
pub(crate) mod remote;
pub(crate) mod repository;
mod select;
mod unpacking;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufReader, Seek},
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_dockerfile::Ignore;

use crate::{
    build::CheckedOut,
    overlay,
    pack::{Packed, Packer},
    report::Reporter,
    snapshot::body,
    store::{DraftDirectory, Store},
    tar::{Attributes, Body, Writer},
    tree::{Entry, Nothing, Tree},
};

use arrange::{Arrangement, Content, Into, Placement};
use commit::Commit;
use mode::Mode;
use remote::Remote;
use select::Selected;

pub use error::Error;
pub(crate) use fingerprint::{Fingerprint, fingerprint};

/// Whether the path of a source is kept (`--parents`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Parents {
    #[default]
    Drop,
    Keep,
}

/// What happens where a directory and a file meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    /// `COPY`: an error.
    Refuse,
    /// An archive of `ADD`: the new entry wins.
    Replace,
}

/// Whether archives are unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archives {
    /// `COPY`.
    Keep,
    /// `ADD`.
    Unpack,
}

/// A source, its variables put in.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A path or pattern.
    Pattern(String),
    /// A file behind a URL.
    Remote(Remote),
    /// A git repository.
    Commit(Commit),
    /// A heredoc.
    Text { name: String, content: Arc<[u8]> },
}

impl Source {
    /// Returns the commit, where it is a git repository.
    pub(crate) fn as_commit(&self) -> Option<&Commit> {
        match self {
            Self::Commit(commit) => Some(commit),
            _ => None,
        }
    }
}

/// One `COPY` or `ADD`, its variables put in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) sources: Vec<Source>,
    /// The destination as written.
    pub(crate) destination: String,
    /// What a relative destination continues.
    pub(crate) directory: String,
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) mode: Option<Mode>,
    pub(crate) parents: Parents,
    /// What becomes of local archives.
    pub(crate) archives: Archives,
    pub(crate) excludes: Ignore,
}

impl Request {
    /// Returns a request that uses all of `source`: for its fingerprint.
    pub(crate) fn everything(source: &str) -> Self {
        Self {
            sources: vec![Source::Pattern(source.into())],
            destination: "/".into(),
            directory: "/".into(),
            owner: None,
            mode: None,
            parents: Parents::Drop,
            archives: Archives::Keep,
            excludes: Ignore::default(),
        }
    }

    fn path(&self) -> PathBuf {
        Path::new("/").join(&self.directory).join(&self.destination)
    }

    /// Tells whether the destination says that it is a directory.
    fn is_directory(&self) -> bool {
        let last = self.destination.rsplit('/').next().unwrap_or("");
        last.is_empty() || last == "." || last == ".."
    }
}

/// Tells whether `--exclude` leaves out all of `path`: a pattern names it, and no later `!` pattern something below it.
fn leaves_out(excludes: &Ignore, path: &Path, is_directory: bool) -> bool {
    let text = path.to_string_lossy();
    !text.is_empty()
        && excludes.excludes(&text).is_some()
        && !(is_directory && excludes.may_include_below(&text))
}

/// What a request meets: where its sources are, what is there already, and where it is worked on.
pub(crate) struct Place {
    /// The sources.
    pub(crate) tree: Arc<dyn Tree>,
    /// The files of the stage.
    pub(crate) below: Arc<dyn Tree>,
    /// Where downloaded files are.
    pub(crate) store: Store,
    /// Room for unpacked archives.
    pub(crate) scratch: DraftDirectory,
    /// What files without a time are dated.
    pub(crate) time: i64,
    /// Hears of wildcards that match nothing.
    pub(crate) reporter: Arc<dyn Reporter>,
    /// The files of git repositories, by the sources as written.
    pub(crate) clones: BTreeMap<String, CheckedOut>,
}

/// Writes the layer of a request.
pub(crate) fn copy(
    request: &Request,
    place: &Place,
    packer: Packer,
) -> Result<Option<Packed>, Error> {
    let mut arrangement = Arrangement::new(Arc::clone(&place.below));
    arrangement.owner = request.owner;
    arrangement.mode.clone_from(&request.mode);
    arrangement.excludes = request.excludes.clone();
    arrange(request, place, &mut arrangement)?;
    write(arrangement.finish(), packer, place.time)
}

fn arrange(request: &Request, place: &Place, arrangement: &mut Arrangement) -> Result<(), Error> {
    let destination = arrangement.destination(&request.path())?;
    let into = if request.is_directory() || arrangement.is_directory(&destination)? {
        Into::Directory
    } else {
        Into::Name
    };
    let mut number = 0;
    for source in &request.sources {
        match source {
            Source::Text { name, content } => {
                let target = match into {
                    Into::Directory => destination.join(name),
                    Into::Name => destination.clone(),
                };
                arrangement.add_text(content, &target)?;
                number += 1;
            }
            Source::Remote(remote) => {
                let (tree, selected) = remote.tree(&place.store)?;
                if into == Into::Directory && remote.name.is_none() {
                    return Err(Error::Nameless { url: remote.url.clone() });
                }
                let from = (&tree, remote.archives);
                add(request, place, arrangement, from, &selected, (&destination, into), number)?;
                number += 1;
            }
            Source::Commit(commit) => {
                let files = place.clones.get(&commit.url).expect("commits are fetched before");
                let (tree, selected) = commit.tree(files);
                let from = (&tree, Archives::Keep);
                add(request, place, arrangement, from, &selected, (&destination, into), number)?;
                number += 1;
            }
            Source::Pattern(pattern) => {
                let selected = select::select(&*place.tree, pattern, request.parents)?;
                if selected.is_empty() {
                    place.reporter.warning(&format!("`{pattern}` matches nothing"));
                }
                for selected in selected {
                    let from = (&place.tree, request.archives);
                    add(
                        request,
                        place,
                        arrangement,
                        from,
                        &selected,
                        (&destination, into),
                        number,
                    )?;
                    number += 1;
                }
            }
        }
    }
    if number > 1 && into == Into::Name && request.parents == Parents::Drop {
        return Err(Error::SeveralSources { destination: request.destination.clone() });
    }
    Ok(())
}

/// Adds one selected entry; an archive of `ADD` by what is in it.
fn add(
    request: &Request,
    place: &Place,
    arrangement: &mut Arrangement,
    (tree, archives): (&Arc<dyn Tree>, Archives),
    selected: &Selected,
    (destination, into): (&Path, Into),
    number: usize,
) -> Result<(), Error> {
    if archives == Archives::Unpack
        && let Some(archive) = unpacking::unpacked(&**tree, selected, &place.scratch, number)?
    {
        return archive.add(arrangement, destination);
    }
    arrangement.add(tree, selected, destination, into, request.parents)
}

/// Writes arranged entries into a layer.
pub(crate) fn write(
    placements: BTreeMap<PathBuf, Placement>,
    mut packer: Packer,
    time: i64,
) -> Result<Option<Packed>, Error> {
    append(placements, time, |path, attributes, body, content| {
        packer.append(path, attributes, body, content)
    })?;
    packer.finish().map_err(|source| Error::Write { source })
}

/// Writes an entry of a tree into the directory `target` of this machine: a file under its name, a directory's contents.
/// What has no time of its own is dated `time`.
pub(crate) fn export(
    tree: &Arc<dyn Tree>,
    (path, entry): (&Path, &Entry),
    target: &Path,
    time: i64,
) -> Result<(), Error> {
    let mut arrangement = Arrangement::new(Arc::new(Nothing));
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let (path, entry, within) = (path.to_owned(), entry.clone(), PathBuf::new());
    let selected = Selected { path, name, entry, within };
    arrangement.add(tree, &selected, Path::new(""), Into::Directory, Parents::Drop)?;
    let failed = |source| Error::Write { source };
    let mut archive = Writer::new(tempfile::tempfile_in(target).map_err(failed)?);
    append(arrangement.finish(), time, |path, attributes, body, content| {
        archive.append(path, attributes, body, content)
    })?;
    let mut archive = archive.finish().map_err(failed)?;
    archive.rewind().map_err(failed)?;
    crate::unpack::extract(BufReader::new(archive), target)
        .map_err(|source| Error::Archive { path: target.into(), source })?;
    overlay::set_modified(target, time).map_err(failed)
}

/// Hands each entry on, with its body and content.
fn append(
    placements: BTreeMap<PathBuf, Placement>,
    time: i64,
    mut entry_written: impl FnMut(&Path, &Attributes, &Body, &mut dyn io::Read) -> io::Result<()>,
) -> Result<(), Error> {
    // The first name of each file that has several.
    let mut inodes: HashMap<(u64, u64), PathBuf> = HashMap::new();
    for (path, Placement { entry, content }) in placements {
        let body = match entry.inode.and_then(|inode| inodes.get(&inode)) {
            Some(first) => Body::HardLink(first.clone()),
            None => body(&entry.kind),
        };
        if let (Some(inode), Content::File(..)) = (entry.inode, &content) {
            inodes.entry(inode).or_insert_with(|| path.clone());
        }
        let attributes = Attributes {
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            modified: entry.modified.unwrap_or(time),
            xattrs: entry.xattrs,
        };
        let mut reader: Box<dyn io::Read + '_> = match (&content, &body) {
            (Content::File(tree, source), Body::File(size)) if *size > 0 => tree
                .open(source)
                .map_err(|error| Error::Read { path: source.clone(), source: error })?,
            (Content::Text(text), _) => Box::new(&text[..]),
            _ => Box::new(io::empty()),
        };
        entry_written(&path, &attributes, &body, &mut reader)
            .map_err(|source| Error::Write { source })?;
    }
    Ok(())
}
