//! Writing tar archives: the same entries give the same bytes.
//!
//! The format is POSIX ustar with PAX records where a value does not fit, and nowhere else (POSIX.1-2017, `pax`,
//! "ustar Interchange Format" and "pax Header Block"). Readers of crate `tar` are used for reading; its builder is not used
//! for writing, because it emits GNU long names and knows no extended attributes.

mod header;
mod pax;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use header::{BLOCK, Fields, Kind};

/// What stands in front of a name that a layer deletes (image-spec, layer.md, "Whiteouts").
pub const WHITEOUT: &str = ".wh.";
/// The name that hides everything lower layers have in its directory (image-spec, layer.md, "Opaque Whiteout").
pub const OPAQUE: &str = ".wh..wh..opq";

/// Owner, permissions, time and extended attributes of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The permission bits, with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: i64,
    /// Extended attributes by full name.
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A directory.
    Directory,
    /// A regular file of this many bytes, which follow.
    File(u64),
    /// A symbolic link to this target.
    Symlink(PathBuf),
    /// Another name of an entry written before.
    HardLink(PathBuf),
    /// A character device.
    Character {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A block device.
    Block {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// Writes one archive. The caller gives entries in the order in which they are to stand.
///
/// # Examples
///
/// ```
/// use notes_image::tar::{Attributes, Body, Writer};
///
/// let mut archive = Writer::new(Vec::new());
/// let attributes = Attributes { mode: 0o644, ..Attributes::default() };
/// archive.append("greeting".as_ref(), &attributes, &Body::File(5), &mut &b"hello"[..])?;
/// assert_eq!(archive.finish()?.len(), 4 * 512);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    entries: u64,
}

impl<W: Write> Writer<W> {
    /// Starts an archive in `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, entries: 0 }
    }

    /// Returns how many entries have been written.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Writes one entry at `path`, a relative path. `content` is read only for [`Body::File`], and must have as many
    /// bytes as that says.
    pub fn append(
        &mut self,
        path: &Path,
        attributes: &Attributes,
        body: &Body,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mut name = path.as_os_str().as_bytes().to_vec();
        let mut fields =
            Fields { attributes, kind: Kind::File, size: 0, link: &[], device: (0, 0) };
        match body {
            Body::Directory => {
                fields.kind = Kind::Directory;
                name.push(b'/');
            }
            Body::File(size) => fields.size = *size,
            Body::Symlink(target) => {
                fields.kind = Kind::Symlink;
                fields.link = target.as_os_str().as_bytes();
            }
            Body::HardLink(target) => {
                fields.kind = Kind::HardLink;
                fields.link = target.as_os_str().as_bytes();
            }
            Body::Character { major, minor } => {
                fields.kind = Kind::Character;
                fields.device = (*major, *minor);
            }
            Body::Block { major, minor } => {
                fields.kind = Kind::Block;
                fields.device = (*major, *minor);
            }
            Body::Fifo => fields.kind = Kind::Fifo,
        }
        self.write_headers(&name, &fields)?;
        if let Body::File(size) = body {
            self.write_content(path, *size, content)?;
        }
        self.entries += 1;
        Ok(())
    }

    fn write_headers(&mut self, name: &[u8], fields: &Fields<'_>) -> io::Result<()> {
        let records = pax::records(name, fields);
        if !records.is_empty() {
            self.inner.write_all(&header::extended(name, records.len() as u64))?;
            self.inner.write_all(&records)?;
            self.pad(records.len() as u64)?;
        }
        self.inner.write_all(&header::encode(name, fields))
    }

    fn write_content(&mut self, path: &Path, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let copied = io::copy(&mut content.take(size), &mut self.inner)?;
        if copied != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("`{}` has {copied} bytes and was to have {size}", path.display()),
            ));
        }
        self.pad(size)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).expect("less than a block");
        if over == 0 { Ok(()) } else { self.inner.write_all(&[0; BLOCK][over..]) }
    }

    /// Writes the end of the archive and returns the writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        Ok(self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, Attributes, Body, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (path, attributes, body, content) in entries {
            writer.append(path.as_ref(), attributes, body, &mut &**content).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_plain_entry_needs_no_extended_header() {
        let attributes = Attributes { mode: 0o755, uid: 5, gid: 6, ..Attributes::default() };
        let bytes = archive(&[("a/b", attributes, Body::Directory, b"")]);
        assert_eq!(bytes.len(), 3 * BLOCK);
        assert_eq!(&bytes[..5], b"a/b/\0");
        assert_eq!(&bytes[257..265], b"ustar\x0000");
    }

    #[test]
    fn what_does_not_fit_ustar_reads_back_through_pax() {
        let long = "d/".repeat(150) + "file";
        let target = "t".repeat(300);
        let attributes = Attributes {
            mode: 0o4755,
            uid: 3_000_000,
            gid: u32::MAX,
            modified: -5,
            xattrs: [("user.note".into(), b"a\0b".to_vec())].into(),
        };
        let bytes = archive(&[
            (&long, attributes.clone(), Body::File(3), b"abc"),
            ("é", attributes, Body::Symlink(target.clone().into()), b""),
        ]);
        let mut reader = ::tar::Archive::new(&bytes[..]);
        let mut entries = reader.entries().unwrap();
        let mut first = entries.next().unwrap().unwrap();
        assert_eq!(first.path_bytes(), long.as_bytes());
        let mut records = Vec::new();
        for record in first.pax_extensions().unwrap().unwrap() {
            let record = record.unwrap();
            records.push((record.key().unwrap().to_owned(), record.value_bytes().to_vec()));
        }
        assert!(records.contains(&("uid".into(), b"3000000".to_vec())));
        assert!(records.contains(&("gid".into(), b"4294967295".to_vec())));
        assert!(records.contains(&("mtime".into(), b"-5".to_vec())));
        assert!(records.contains(&("SCHILY.xattr.user.note".into(), b"a\0b".to_vec())));
        let mut content = String::new();
        first.read_to_string(&mut content).unwrap();
        assert_eq!(content, "abc");
        let second = entries.next().unwrap().unwrap();
        assert_eq!(second.path_bytes(), "é".as_bytes());
        assert_eq!(second.link_name_bytes().unwrap(), target.as_bytes());
    }

    #[test]
    fn a_name_that_splits_at_a_slash_needs_no_pax() {
        let name = format!("{}/{}", "p".repeat(150), "n".repeat(99));
        let bytes = archive(&[(&name, Attributes::default(), Body::File(0), b"")]);
        assert_eq!(bytes.len(), 3 * BLOCK);
        let mut reader = ::tar::Archive::new(&bytes[..]);
        assert_eq!(
            reader.entries().unwrap().next().unwrap().unwrap().path_bytes(),
            name.as_bytes()
        );
    }

    #[test]
    fn a_file_that_shrank_while_it_was_read_is_an_error() {
        let mut writer = Writer::new(Vec::new());
        let error = writer
            .append("f".as_ref(), &Attributes::default(), &Body::File(9), &mut &b"abc"[..])
            .unwrap_err();
        assert_eq!(error.to_string(), "`f` has 3 bytes and was to have 9");
    }
}
