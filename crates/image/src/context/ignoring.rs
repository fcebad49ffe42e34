//! A context as seen through `.dockerignore`.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
};

use notes_dockerfile::Ignore;

use crate::tree::{Entry, Tree};

/// A tree without what an ignore file excludes.
///
/// A directory that is excluded is still there if something below it is not: `*` and then `!src/app` leaves both.
#[derive(Clone, Debug)]
pub struct Ignoring<T> {
    inner: T,
    ignore: Ignore,
}

impl<T: Tree> Ignoring<T> {
    /// Returns what `ignore` leaves of `inner`.
    pub fn new(inner: T, ignore: Ignore) -> Self {
        Self { inner, ignore }
    }

    fn shows(&self, path: &Path, entry: &Entry) -> io::Result<bool> {
        let text = path.to_string_lossy();
        if path.as_os_str().is_empty() || self.ignore.excludes(&text).is_none() {
            return Ok(true);
        }
        if !entry.is_directory() || !self.ignore.may_include_below(&text) {
            return Ok(false);
        }
        for (name, child) in self.inner.children(path)? {
            if self.shows(&path.join(name), &child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl<T: Tree> Tree for Ignoring<T> {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let Some(entry) = self.inner.entry(path)? else { return Ok(None) };
        Ok(self.shows(path, &entry)?.then_some(entry))
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, Entry)>> {
        let mut shown = Vec::new();
        for (name, entry) in self.inner.children(path)? {
            if self.shows(&path.join(&name), &entry)? {
                shown.push((name, entry));
            }
        }
        Ok(shown)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.inner.open(path)
    }

    fn hidden_by(&self, path: &Path) -> Option<usize> {
        // Only what is there is hidden.
        self.inner.entry(path).ok().flatten()?;
        self.ignore.excludes(&path.to_string_lossy()).map(|rule| rule.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Listing;

    #[test]
    fn a_directory_stays_for_what_is_taken_back_below_it() {
        let files = Listing::default()
            .with_file("src/app/main.py", "")
            .with_file("src/notes.md", "")
            .with_file("docs/a.md", "");
        let ignore = Ignore::parse("*\n!src/app\n").unwrap();
        let tree = Ignoring::new(files, ignore);
        assert!(tree.entry("src".as_ref()).unwrap().is_some());
        assert!(tree.entry("src/app/main.py".as_ref()).unwrap().is_some());
        assert!(tree.entry("src/notes.md".as_ref()).unwrap().is_none());
        assert_eq!(tree.children("".as_ref()).unwrap().len(), 1);
        assert_eq!(tree.hidden_by("docs/a.md".as_ref()), Some(1));
        assert_eq!(tree.hidden_by("docs/b.md".as_ref()), None);
    }
}
