//! One entry of an archive, read into our terms.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use ::tar::EntryType;

use crate::{
    tar::{Attributes, Body, WHITEOUT},
    tree::clean,
};

/// An entry and where it goes; `path` is clean.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) path: PathBuf,
    pub(crate) attributes: Attributes,
    pub(crate) body: Body,
}

impl Record {
    /// Reads the headers of `entry`; what PAX records say beats what the header says.
    /// `None` for what speaks about the archive and not about a file, such as git's global header.
    pub(crate) fn read<R: Read>(entry: &mut ::tar::Entry<'_, R>) -> io::Result<Option<Self>> {
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            return Ok(None);
        }
        let pax = pax(entry)?;
        let header = entry.header();
        let (mut uid, mut gid) = (header.uid()?, header.gid()?);
        let mut modified = i64::try_from(header.mtime()?).unwrap_or(i64::MAX);
        let mut xattrs = BTreeMap::new();
        for (key, value) in pax {
            match key.as_slice() {
                b"uid" => uid = number(&value)?,
                b"gid" => gid = number(&value)?,
                b"mtime" => modified = seconds(&value)?,
                key => {
                    if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                        xattrs.insert(OsString::from_vec(name.to_vec()), value);
                    }
                }
            }
        }
        let attributes = Attributes {
            mode: header.mode()? & 0o7777,
            uid: u32::try_from(uid).map_err(io::Error::other)?,
            gid: u32::try_from(gid).map_err(io::Error::other)?,
            modified,
            xattrs,
        };
        let path = clean(OsStr::from_bytes(&entry.path_bytes()).as_ref());
        Ok(Some(Self { path, attributes, body: body(entry)? }))
    }
}

fn pax<R: Read>(entry: &mut ::tar::Entry<'_, R>) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let Some(records) = entry.pax_extensions()? else { return Ok(Vec::new()) };
    records
        .map(|record| record.map(|it| (it.key_bytes().to_vec(), it.value_bytes().to_vec())))
        .collect()
}

fn body<R: Read>(entry: &::tar::Entry<'_, R>) -> io::Result<Body> {
    let header = entry.header();
    let link = || -> io::Result<PathBuf> {
        let name = entry.link_name_bytes().ok_or_else(|| invalid("a link without a target"))?;
        Ok(PathBuf::from(OsStr::from_bytes(&name)))
    };
    let device = || -> io::Result<(u32, u32)> {
        Ok((header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0)))
    };
    Ok(match header.entry_type() {
        EntryType::Directory => Body::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            // Tar before POSIX had no type for directories: a slash at the end of the name.
            if entry.path_bytes().ends_with(b"/") {
                Body::Directory
            } else {
                Body::File(entry.size())
            }
        }
        EntryType::Symlink => Body::Symlink(link()?),
        EntryType::Link => Body::HardLink(clean(&link()?)),
        EntryType::Char => {
            let (major, minor) = device()?;
            Body::Character { major, minor }
        }
        EntryType::Block => {
            let (major, minor) = device()?;
            Body::Block { major, minor }
        }
        EntryType::Fifo => Body::Fifo,
        other => return Err(invalid(&format!("an entry of type {other:?}"))),
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn number(value: &[u8]) -> io::Result<u64> {
    let text = str::from_utf8(value).map_err(io::Error::other)?;
    text.parse().map_err(|_| invalid(&format!("`{text}` where a number belongs")))
}

/// Reads PAX's decimal seconds and drops the fraction, towards the past.
fn seconds(value: &[u8]) -> io::Result<i64> {
    let text = str::from_utf8(value).map_err(io::Error::other)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 =
        whole.parse().map_err(|_| invalid(&format!("`{text}` where a time belongs")))?;
    let below = text.starts_with('-') && fraction.bytes().any(|digit| digit != b'0');
    Ok(whole - i64::from(below))
}

/// Returns the name that a whiteout deletes.
pub(crate) fn whiteout(name: &OsStr) -> Option<&OsStr> {
    name.as_bytes().strip_prefix(WHITEOUT.as_bytes()).map(OsStr::from_bytes)
}

impl Record {
    /// Returns the target of a hard link.
    pub(crate) fn hard_link(&self) -> Option<&Path> {
        match &self.body {
            Body::HardLink(target) => Some(target),
            _ => None,
        }
    }
}
