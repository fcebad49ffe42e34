//! Paths inside a tree: cleaned, and with symbolic links followed without leaving it.

use std::{
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
};

use super::{Kind, Tree};

/// As many links as Linux follows in one path (`path_resolution(7)`).
const LINKS: usize = 40;

/// Returns `path` relative to the root of a tree: without `.`, with `..` resolved by the text and clamped at the root.
///
/// ```
/// use notes_image::tree::clean;
///
/// assert_eq!(clean("/a/./b/../c/".as_ref()), std::path::Path::new("a/c"));
/// assert_eq!(clean("../../etc".as_ref()), std::path::Path::new("etc"));
/// ```
pub fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => cleaned.push(name),
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    cleaned
}

/// Follows the symbolic links in `path`, the last part included, inside the tree: an absolute target starts at its root,
/// and `..` stops there. Parts that do not exist are kept as they are.
///
/// # Errors
///
/// `ELOOP` after 40 links, and what reading the tree fails with.
pub fn follow(tree: &dyn Tree, path: &Path) -> io::Result<PathBuf> {
    let mut todo: Vec<OsString> = reversed(path);
    let mut done = PathBuf::new();
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == ".." {
            done.pop();
            continue;
        }
        done.push(name);
        let Some(Kind::Symlink(target)) = tree.entry(&done)?.map(|entry| entry.kind) else {
            continue;
        };
        links += 1;
        if links > LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        if target.is_absolute() {
            done.clear();
        } else {
            done.pop();
        }
        todo.extend(reversed(&target));
    }
    Ok(done)
}

/// Returns the names in `path`, `..` among them, last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let named = |component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Listing;

    #[test]
    fn links_stay_inside_the_tree() {
        let tree = Listing::default()
            .with_link("bin", "usr/bin")
            .with_link("usr/bin/sh", "../../../../../busybox")
            .with_link("usr/abs", "/etc/./deep")
            .with_link("loop", "loop");
        let resolve = |path: &str| follow(&tree, path.as_ref());
        assert_eq!(resolve("/bin/new/file").unwrap(), Path::new("usr/bin/new/file"));
        assert_eq!(resolve("bin/sh").unwrap(), Path::new("busybox"));
        assert_eq!(resolve("usr/abs/x").unwrap(), Path::new("etc/deep/x"));
        assert_eq!(resolve("../..").unwrap(), Path::new(""));
        let error = resolve("loop/x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
    }
}
