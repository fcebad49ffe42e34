//! The commit's tree as a build context.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_console::Failure;
use notes_dockerfile::Ignore;
use notes_gitinfo::{Kind, TreeError};
use notes_image::{
    context::{Directory, Ignoring, Within},
    tree::{self, Tree},
};

use crate::{
    dockerfile::Location,
    failure,
    project::{Files, Project},
};

/// Opens the context at `directory` below the repository's root, as seen through the ignore file.
pub(crate) fn open(
    project: &Project,
    directory: &Path,
    dockerfile: &Location,
) -> Result<Arc<dyn Tree>, Failure> {
    let ignore = ignore(project, directory, dockerfile)?;
    Ok(match &project.files {
        Files::Commit(tree) => {
            // A context that is not there is found here and not at the first COPY.
            tree.children(directory).map_err(failure::tree)?;
            let within = Within::new(commit(Arc::clone(tree)), directory);
            Arc::new(Ignoring::new(within, ignore))
        }
        Files::Worktree => {
            Arc::new(Ignoring::new(Directory::new(project.root.join(directory)), ignore))
        }
    })
}

/// Reads the ignore file of a context.
pub(crate) fn ignore(
    project: &Project,
    directory: &Path,
    dockerfile: &Location,
) -> Result<Ignore, Failure> {
    let Some((name, text)) = ignore_file(project, directory, dockerfile)? else {
        return Ok(Ignore::default());
    };
    Ignore::parse(&text).map_err(|error| failure::ignore(&name, &text, error))
}

/// Returns the name and text of `<Dockerfile>.dockerignore`, or else of `.dockerignore` in the context (docker docs,
/// "Filename and location").
pub(crate) fn ignore_file(
    project: &Project,
    directory: &Path,
    dockerfile: &Location,
) -> Result<Option<(String, String)>, Failure> {
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".dockerignore");
        PathBuf::from(name)
    };
    let mut inside = vec![directory.join(".dockerignore")];
    match dockerfile {
        Location::Project(path) => inside.insert(0, beside(path)),
        Location::Outside(path) => {
            let path = beside(path);
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(Some((path.display().to_string(), text))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failure::path(&path, error)),
            }
        }
        Location::Stdin => {}
    }
    for path in inside {
        if let Some(text) = project.read(&path)? {
            return Ok(Some((path.display().to_string(), text)));
        }
    }
    Ok(None)
}

/// Returns the files of a commit.
pub(crate) fn commit(tree: Arc<notes_gitinfo::Tree>) -> Arc<dyn Tree> {
    Arc::new(Commit(tree))
}

/// The files of a commit. Modes are those git keeps, owners are root's, times are left to the builder, and an entry's
/// content id is its git id: whether a file changed is known without reading it.
#[derive(Debug)]
struct Commit(Arc<notes_gitinfo::Tree>);

impl Commit {
    fn describe(&self, entry: &notes_gitinfo::Entry) -> Result<tree::Entry, TreeError> {
        let (kind, mode) = match entry.kind {
            // A submodule is a directory whose files are not there: whoever asks for them is told so.
            Kind::Directory | Kind::Submodule => return Ok(tree::Entry::directory()),
            Kind::File => (tree::Kind::File(self.0.size(entry)?), 0o644),
            Kind::Executable => (tree::Kind::File(self.0.size(entry)?), 0o755),
            Kind::Symlink => {
                let target = OsString::from_vec(self.0.read(entry)?);
                (tree::Kind::Symlink(target.into()), 0o777)
            }
        };
        Ok(tree::Entry {
            content: Some(format!("git:{}", entry.id)),
            ..tree::Entry::new(kind, mode)
        })
    }

    fn find(&self, path: &Path) -> io::Result<Option<notes_gitinfo::Entry>> {
        self.0.entry(path).map_err(io::Error::other)
    }
}

impl Tree for Commit {
    fn entry(&self, path: &Path) -> io::Result<Option<tree::Entry>> {
        if path.as_os_str().is_empty() {
            return Ok(Some(tree::Entry::directory()));
        }
        let entry = self.find(path)?;
        entry.map(|entry| self.describe(&entry)).transpose().map_err(io::Error::other)
    }

    fn children(&self, path: &Path) -> io::Result<Vec<(OsString, tree::Entry)>> {
        let children = self.0.children(path).map_err(io::Error::other)?;
        children
            .iter()
            .map(|entry| {
                let name = entry.path.file_name().unwrap_or_default().to_owned();
                Ok((name, self.describe(entry).map_err(io::Error::other)?))
            })
            .collect()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let entry = self.find(path)?.ok_or(io::ErrorKind::NotFound)?;
        self.0.open(&entry).map_err(io::Error::other)
    }
}
