//! Which entries a source of `COPY` or `ADD` names.

use std::path::{Path, PathBuf};

use notes_dockerfile::{Stars, Wildcard};

use super::{Error, Parents};
use crate::tree::{Entry, Tree, clean, follow};

/// An entry that a source names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selected {
    /// Where it lies in the tree, links followed.
    pub(super) path: PathBuf,
    /// What it is called below the destination: its own name, or with `--parents` its path after the pivot.
    pub(super) name: PathBuf,
    /// What it is.
    pub(super) entry: Entry,
    /// What paths below it are called for `--exclude`: relative to the directory itself, or with `--parents` to the pivot.
    pub(super) within: PathBuf,
}

/// Returns what `pattern` names in `tree`, sorted; a wildcard may match nothing.
pub(super) fn select(
    tree: &dyn Tree,
    pattern: &str,
    parents: Parents,
) -> Result<Vec<Selected>, Error> {
    let (pivot, rest) = match (parents, pattern.split_once("/./")) {
        (Parents::Keep, Some((pivot, rest))) => (pivot, rest),
        _ => ("", pattern),
    };
    let (pivot, rest) = (components(pivot), components(rest));
    let is_pattern = pivot.iter().chain(&rest).any(|component| Wildcard::is_special(component));
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Read { path, source }
    };
    if parents == Parents::Drop {
        // The directory before the first wildcard has to be there (tonistiigi/fsutil, `copy/copy.go`, `ResolveWildcards`).
        let literal = rest.iter().take_while(|component| !Wildcard::is_special(component));
        let literal: PathBuf = literal.collect();
        let followed = follow(tree, &literal).map_err(read(&literal))?;
        let entry = tree.entry(&followed).map_err(read(&literal))?;
        if !entry.is_some_and(|entry| entry.is_directory() || !is_pattern) {
            let ignored_by = tree.hidden_by(&literal);
            return Err(Error::NoMatch { pattern: pattern.into(), ignored_by });
        }
    }
    let mut selected = Vec::new();
    for base in expand(tree, pattern, PathBuf::new(), &pivot, Parents::Drop)? {
        for path in expand(tree, pattern, base.clone(), &rest, parents)? {
            let followed = follow(tree, &path).map_err(read(&path))?;
            let Some(entry) = tree.entry(&followed).map_err(read(&path))? else { continue };
            let (name, within) = match parents {
                Parents::Keep => {
                    let name = path.strip_prefix(&base).unwrap_or(&path).to_owned();
                    (name.clone(), name)
                }
                Parents::Drop => {
                    (path.file_name().map(PathBuf::from).unwrap_or_default(), PathBuf::new())
                }
            };
            selected.push(Selected { path: followed, name, entry, within });
        }
    }
    if selected.is_empty() && !is_pattern {
        let path: PathBuf = pivot.iter().chain(&rest).collect();
        let ignored_by = tree.hidden_by(&path);
        return Err(Error::NoMatch { pattern: pattern.into(), ignored_by });
    }
    Ok(selected)
}

/// Returns the names in a path, cleaned.
fn components(path: &str) -> Vec<String> {
    let cleaned = clean(path.as_ref());
    cleaned.iter().map(|component| component.to_string_lossy().into_owned()).collect()
}

/// Returns the paths below `base` that `components` stand for, wildcards replaced by what is there.
fn expand(
    tree: &dyn Tree,
    pattern: &str,
    base: PathBuf,
    components: &[String],
    parents: Parents,
) -> Result<Vec<PathBuf>, Error> {
    let mut paths = vec![base];
    for component in components {
        if !Wildcard::is_special(component) {
            for path in &mut paths {
                path.push(component);
            }
            continue;
        }
        let wildcard = Wildcard::parse(component, Stars::Single)
            .map_err(|_| Error::Pattern { pattern: pattern.into() })?;
        let mut matched = Vec::new();
        for path in &paths {
            if component == "**" && parents == Parents::Keep {
                descend(tree, path, &mut matched)?;
                continue;
            }
            let names = children(tree, path)?.into_iter().map(|(name, _)| name);
            let hits = names.filter(|name| wildcard.matches(&name.to_string_lossy()));
            matched.extend(hits.map(|name| path.join(name)));
        }
        paths = matched;
    }
    Ok(paths)
}

/// Adds `path` and every directory below it: what `**` stands for.
fn descend(tree: &dyn Tree, path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    found.push(path.into());
    for (name, entry) in children(tree, path)? {
        if entry.is_directory() {
            descend(tree, &path.join(name), found)?;
        }
    }
    Ok(())
}

/// Returns the children of what may be no directory: then it has none.
fn children(tree: &dyn Tree, path: &Path) -> Result<Vec<(std::ffi::OsString, Entry)>, Error> {
    let read = |source| Error::Read { path: path.into(), source };
    let followed = follow(tree, path).map_err(read)?;
    match tree.entry(&followed).map_err(read)? {
        Some(entry) if entry.is_directory() => tree.children(&followed).map_err(read),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Listing;

    fn tree() -> Listing {
        Listing::default()
            .with_file("a.txt", "a")
            .with_file("b.txt", "b")
            .with_file("src/deep/c.txt", "c")
            .with_link("link", "a.txt")
    }

    fn names(pattern: &str, parents: Parents) -> Vec<String> {
        let selected = select(&tree(), pattern, parents).unwrap();
        selected.into_iter().map(|it| it.name.display().to_string()).collect()
    }

    #[test]
    fn sources_are_jailed_and_wildcards_sorted() {
        assert_eq!(names("*.txt", Parents::Drop), ["a.txt", "b.txt"]);
        assert_eq!(names("../../a.txt", Parents::Drop), ["a.txt"]);
        assert_eq!(names("/src/", Parents::Drop), ["src"]);
        assert_eq!(names(".", Parents::Drop), [""]);
        assert_eq!(names("none*", Parents::Drop), [""; 0]);
        assert_eq!(names("link", Parents::Drop), ["link"]);
    }

    #[test]
    fn parents_are_kept_after_the_pivot() {
        assert_eq!(names("src/deep/c.txt", Parents::Keep), ["src/deep/c.txt"]);
        assert_eq!(names("src/./deep/*.txt", Parents::Keep), ["deep/c.txt"]);
        assert_eq!(names("**/c.txt", Parents::Keep), ["src/deep/c.txt"]);
        assert_eq!(names("s*/./deep/c.txt", Parents::Keep), ["deep/c.txt"]);
        assert_eq!(names("./src/./deep", Parents::Keep), ["deep"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        for pattern in ["missing.txt", "missing/*.txt", "a.txt/*"] {
            let error = select(&tree(), pattern, Parents::Drop).unwrap_err();
            let expected = format!("`{pattern}` matches no file in the build context");
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(select(&tree(), "missing/*.txt", Parents::Keep).unwrap(), []);
    }
}
