//! The files of an image: its layers, applied in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use notes_oci::Digest;
use tar::EntryType;

/// Removes everything that lower layers have in its directory (OCI image specification, "Whiteouts").
const OPAQUE: &str = ".wh..wh..opq";
/// Begins the name of what takes a name of lower layers away.
const WHITEOUT: &str = ".wh.";
/// Begins a PAX record that is an extended attribute.
const ATTRIBUTE: &str = "SCHILY.xattr.";

/// What a path stands for. Two paths of one number are hard links.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inode {
    /// The kind of file.
    kind: &'static str,
    /// What is in it, or where it leads.
    content: String,
    mode: u32,
    owner: (u64, u64),
    attributes: BTreeMap<String, String>,
}

impl Inode {
    fn directory() -> Self {
        Self {
            kind: "directory",
            content: String::new(),
            mode: 0o755,
            owner: (0, 0),
            attributes: BTreeMap::new(),
        }
    }
}

/// The files of an image. Times are left out: each builder has its own, and for good reasons.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    inodes: Vec<Inode>,
    paths: BTreeMap<PathBuf, usize>,
}

impl Tree {
    /// Puts a layer, an uncompressed tar, on top.
    pub(crate) fn apply(&mut self, layer: impl Read) -> io::Result<()> {
        let mut fresh = BTreeSet::new();
        for entry in tar::Archive::new(layer).entries()? {
            let mut entry = entry?;
            let path = normal(&entry.path()?);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let parent = path.parent().unwrap_or(Path::new(""));
            if name == OPAQUE {
                self.remove(|it| it != parent && it.starts_with(parent) && !fresh.contains(it));
            } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
                let hidden = parent.join(hidden);
                self.remove(|it| it.starts_with(&hidden) && !fresh.contains(it));
            } else {
                self.insert(&path, &mut entry)?;
                fresh.insert(path);
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &Path, entry: &mut tar::Entry<'_, impl Read>) -> io::Result<()> {
        self.make_parents(path)?;
        let number = if entry.header().entry_type() == EntryType::Link {
            let target = normal(&entry.link_name()?.unwrap_or_default());
            let missing = || invalid(&target, "a hard link leads to it, and it is not there");
            *self.paths.get(&target).ok_or_else(missing)?
        } else {
            self.inodes.push(describe(entry)?);
            self.inodes.len() - 1
        };
        if self.inodes[number].kind != "directory" {
            self.remove(|it| it != path && it.starts_with(path));
        }
        self.paths.insert(path.to_owned(), number);
        Ok(())
    }

    /// Makes the directories on the way that no layer mentions.
    fn make_parents(&mut self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
            return Ok(());
        };
        match self.paths.get(parent) {
            Some(&number) if self.inodes[number].kind == "directory" => Ok(()),
            Some(_) => Err(invalid(path, "it lies below what is no directory")),
            None => {
                self.make_parents(parent)?;
                self.inodes.push(Inode::directory());
                self.paths.insert(parent.to_owned(), self.inodes.len() - 1);
                Ok(())
            }
        }
    }

    fn remove(&mut self, unwanted: impl Fn(&Path) -> bool) {
        self.paths.retain(|path, _| !unwanted(path));
    }

    /// Returns what there is to compare, by absolute path: each aspect with its value.
    pub(crate) fn facts(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (path, number) in &self.paths {
            names.entry(*number).or_default().push(absolute(path));
        }
        let facts = |number: &usize| {
            let inode = &self.inodes[*number];
            let mut facts = BTreeMap::from([
                ("type".to_owned(), inode.kind.to_owned()),
                ("mode".to_owned(), format!("{:o}", inode.mode)),
                ("owner".to_owned(), format!("{}:{}", inode.owner.0, inode.owner.1)),
                ("content".to_owned(), inode.content.clone()),
            ]);
            if names[number].len() > 1 && inode.kind != "directory" {
                facts.insert("links".to_owned(), names[number].join(" "));
            }
            let attributes = inode.attributes.iter();
            facts.extend(attributes.map(|(name, value)| (format!("xattr {name}"), value.clone())));
            facts
        };
        self.paths.iter().map(|(path, number)| (absolute(path), facts(number))).collect()
    }
}

fn describe(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Inode> {
    let attributes = attributes(entry)?;
    let header = entry.header().clone();
    let (kind, content) = match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            ("file", summary(&content))
        }
        EntryType::Directory => ("directory", String::new()),
        EntryType::Symlink => {
            let target = entry.link_name()?.unwrap_or_default();
            ("symbolic link", target.display().to_string())
        }
        EntryType::Fifo => ("fifo", String::new()),
        EntryType::Char => ("character device", device(&header)?),
        EntryType::Block => ("block device", device(&header)?),
        other => return Err(io::Error::other(format!("a layer has an entry of type {other:?}"))),
    };
    // A link's own mode means nothing to Linux, and each tar writer has another.
    let mode = if kind == "symbolic link" { 0o777 } else { header.mode()? & 0o7777 };
    Ok(Inode { kind, content, mode, owner: (header.uid()?, header.gid()?), attributes })
}

/// What a file contains, short enough for a line: the text where it is one, else size and digest.
fn summary(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) if text.len() <= 400 => format!("{text:?}"),
        _ => format!("{} bytes, {}", content.len(), Digest::of(content)),
    }
}

fn device(header: &tar::Header) -> io::Result<String> {
    let (major, minor) = (header.device_major()?, header.device_minor()?);
    Ok(format!("{}:{}", major.unwrap_or_default(), minor.unwrap_or_default()))
}

fn attributes(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<BTreeMap<String, String>> {
    let mut attributes = BTreeMap::new();
    for record in entry.pax_extensions()?.into_iter().flatten() {
        let record = record?;
        let name = record.key().ok().and_then(|key| key.strip_prefix(ATTRIBUTE));
        if let Some(name) = name {
            attributes.insert(name.to_owned(), record.value_bytes().escape_ascii().to_string());
        }
    }
    Ok(attributes)
}

/// Removes what only spells a path: `./`, a leading and a trailing slash.
fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn absolute(path: &Path) -> String {
    format!("/{}", path.display())
}

fn invalid(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}`: {why}", absolute(path)))
}

#[cfg(test)]
mod tests;
