//! What a caller has: its parents, its memory, its descriptors.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::in_root::open_in_root;

use super::call::{Link, Place};

/// A page: what lies behind its border may not be there.
const PAGE: u64 = 4096;

/// The parts of a thread's `status` that tell where it comes from (`proc_pid_status(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// The process.
    pub(super) process: u32,
    pub(super) parent: u32,
}

pub(super) fn origin(thread: u32) -> io::Result<Origin> {
    let status = fs::read_to_string(format!("/proc/{thread}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse().ok()).ok_or(io::ErrorKind::InvalidData)
    };
    Ok(Origin { process: number("Tgid:")?, parent: number("PPid:")? })
}

/// When a thread was started, in ticks: a number is given again, this is not.
pub(super) fn start(thread: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat"))?;
    // Behind the name of the program, which may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let field = fields.split_ascii_whitespace().nth(19);
    Ok(field.and_then(|field| field.parse().ok()).ok_or(io::ErrorKind::InvalidData)?)
}

/// Reads numbers from a thread's memory.
pub(super) fn numbers(thread: u32, address: u64, count: usize) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 4 * count];
    File::open(format!("/proc/{thread}/mem"))?.read_exact_at(&mut bytes, address)?;
    let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().expect("four bytes"));
    Ok(bytes.chunks(4).map(number).collect())
}

/// Writes numbers into a thread's memory.
pub(super) fn write_numbers(thread: u32, address: u64, numbers: &[u32]) -> io::Result<()> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    write(thread, address, &bytes)
}

/// Writes into a thread's memory.
pub(super) fn write(thread: u32, address: u64, bytes: &[u8]) -> io::Result<()> {
    let memory = File::options().write(true).open(format!("/proc/{thread}/mem"))?;
    memory.write_all_at(bytes, address)
}

/// Reads a path from a thread's memory.
pub(super) fn path(thread: u32, address: u64) -> io::Result<PathBuf> {
    let memory = File::open(format!("/proc/{thread}/mem"))?;
    let (mut path, mut at) = (Vec::new(), address);
    let longest = usize::try_from(libc::PATH_MAX).expect("it is positive");
    while path.len() < longest {
        let mut page = vec![0; usize::try_from(PAGE - at % PAGE).expect("a page is small")];
        memory.read_exact_at(&mut page, at)?;
        if let Some(end) = page.iter().position(|byte| *byte == 0) {
            path.extend_from_slice(&page[..end]);
            return Ok(OsString::from_vec(path).into());
        }
        at += page.len() as u64;
        path.append(&mut page);
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// Opens what a call of `thread` names, without touching it.
pub(super) fn open(thread: u32, place: &Place) -> io::Result<OwnedFd> {
    let path = match place.path {
        Some(address) => path(thread, address)?,
        None => PathBuf::new(),
    };
    open_path(thread, place.directory, &path, place.link)
}

/// Opens the directory in which a call makes something, and returns the name.
pub(super) fn open_parent(thread: u32, place: &Place) -> io::Result<(OwnedFd, PathBuf)> {
    let path = path(thread, place.path.unwrap_or_default())?;
    let name = path.file_name().map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    Ok((open_path(thread, place.directory, parent, Link::Followed)?, name))
}

fn open_path(thread: u32, directory: i32, path: &Path, link: Link) -> io::Result<OwnedFd> {
    let begin = match directory {
        libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
        descriptor => format!("/proc/{thread}/fd/{descriptor}"),
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    if path.as_os_str().is_empty() {
        return Ok(openat(CWD, begin, flags, Mode::empty())?);
    }
    let flags = if link == Link::Itself { flags | OFlags::NOFOLLOW } else { flags };
    if path.is_relative() {
        let begin = openat(CWD, begin, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        return Ok(openat(begin, path, flags, Mode::empty())?);
    }
    let root = format!("/proc/{thread}/root");
    if is_same(&root, "/")? {
        return Ok(openat(CWD, path, flags, Mode::empty())?);
    }
    // It has changed its root directory.
    let root = openat(CWD, root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    Ok(open_in_root(root, path, flags)?)
}

fn is_same(one: &str, other: &str) -> io::Result<bool> {
    let (one, other) = (fs::metadata(one)?, fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}
