//! What is built: the repository, the commit, the files, and the settings file among them.

use std::{
    borrow::Cow,
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use notes_console::{
    Environment, Failure, Kind, environment,
    settings::{Candidates, FILE_NAME, NotesFile, Setting},
};
use notes_gitinfo::{Configuration, Repository, Revision, Tree};

use crate::{cli::BuildArguments, failure};

/// Where the files of a build come from.
#[derive(Clone, Debug)]
pub(crate) enum Files {
    /// The commit.
    Commit(Arc<Tree>),
    /// The working directory, as it lies.
    Worktree,
}

/// The repository and what of it is built.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The repository.
    pub(crate) repository: Repository,
    /// Its working directory; of a bare repository, the directory it was found from.
    pub(crate) root: PathBuf,
    /// The commit, and who chose it.
    pub(crate) commit: Setting<String>,
    /// The same, described.
    pub(crate) revision: Revision,
    /// Where files come from.
    pub(crate) files: Files,
    /// The settings file.
    pub(crate) notes: NotesFile,
    /// The directory that the settings file's paths are relative to.
    pub(crate) directory: PathBuf,
}

impl Project {
    /// Opens the repository around `current`, and finds the commit and the settings file.
    pub(crate) fn open(
        arguments: &BuildArguments,
        environment: &Environment,
        current: &Path,
    ) -> Result<Self, Failure> {
        let repository =
            Repository::discover_with(current, Configuration::User).map_err(failure::open)?;
        let root = repository.root().unwrap_or(current);
        let root = fs::canonicalize(root).map_err(|error| failure::path(root, error))?;
        let current = fs::canonicalize(current).map_err(|error| failure::path(current, error))?;
        let commit = commit(arguments, environment)?;
        let revision = repository
            .revision(&commit.value)
            .map_err(|error| failure::revision(error, &commit))?;
        let files = if arguments.worktree {
            Files::Worktree
        } else {
            Files::Commit(repository.tree(&revision).map_err(failure::tree)?.into())
        };
        let mut project = Self {
            repository,
            root,
            commit,
            revision,
            files,
            notes: NotesFile::default(),
            directory: current.clone(),
        };
        project.notes = project.settings(arguments, environment, &current)?;
        if let Some(directory) = &project.notes.directory {
            project.directory.clone_from(directory);
        }
        Ok(project)
    }

    /// Reads the settings file: the one that is named, or the nearest from here up to the root. That of the commit is read
    /// from the commit: settings are part of what makes an image.
    fn settings(
        &self,
        arguments: &BuildArguments,
        environment: &Environment,
        current: &Path,
    ) -> Result<NotesFile, Failure> {
        let named = arguments
            .config
            .clone()
            .or_else(|| environment.value(environment::NOTES_FILE).map(PathBuf::from));
        if let Some(path) = named {
            let notes = NotesFile::read(current, &path).map_err(failure::settings)?;
            let directory = notes.directory.as_ref();
            let directory = directory.and_then(|directory| fs::canonicalize(directory).ok());
            return Ok(NotesFile { directory, ..notes });
        }
        match &self.files {
            Files::Worktree => NotesFile::find(current, &self.root).map_err(failure::settings),
            Files::Commit(_) => self.committed_settings(current),
        }
    }

    fn committed_settings(&self, current: &Path) -> Result<NotesFile, Failure> {
        let inside = current.strip_prefix(&self.root).unwrap_or(Path::new(""));
        for directory in inside.ancestors() {
            let path = directory.join(FILE_NAME);
            if let Some(text) = self.read(&path)? {
                let name = path.display().to_string();
                let notes = NotesFile::parse(&name, &text).map_err(failure::settings)?;
                return Ok(NotesFile { directory: Some(self.root.join(directory)), ..notes });
            }
        }
        Ok(NotesFile::default())
    }

    /// Reads the text of a file by its path below the root; `None` where there is none.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<String>, Failure> {
        let bytes = match &self.files {
            Files::Commit(tree) => match tree.entry(path).map_err(failure::tree)? {
                None => return Ok(None),
                Some(entry) => {
                    let mut bytes = Vec::new();
                    let mut content = tree.open(&entry).map_err(failure::tree)?;
                    content.read_to_end(&mut bytes).map_err(|error| failure::path(path, error))?;
                    bytes
                }
            },
            Files::Worktree => match fs::read(self.root.join(path)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failure::path(path, error)),
            },
        };
        String::from_utf8(bytes).map(Some).map_err(|_| {
            Failure::message(Kind::Configuration, format!("`{}` is not UTF-8 text", path.display()))
        })
    }

    /// Returns where `path`, relative to `base`, stands below the root.
    pub(crate) fn inside(&self, base: &Path, path: &Path) -> Result<PathBuf, Failure> {
        let path = normalize(&base.join(path));
        // A link on the way here must not put a file outside of what it is in.
        let path = fs::canonicalize(&path).map_or(Cow::Borrowed(path.as_path()), Cow::Owned);
        path.strip_prefix(&self.root).map(Into::into).map_err(|_| {
            let message = format!(
                "`{}` is outside of the repository `{}`",
                path.display(),
                self.root.display()
            );
            Failure::message(Kind::Configuration, message)
                .with_hint("the build context is a part of the commit's tree")
        })
    }

    /// Tells whether a file lies in the working directory although the commit does not have it.
    pub(crate) fn is_only_on_disk(&self, path: &Path) -> bool {
        matches!(self.files, Files::Commit(_)) && self.root.join(path).is_file()
    }

    /// Returns the files' name for a sentence: `commit a3f92bd` or `the working directory`.
    pub(crate) fn source(&self) -> String {
        match self.files {
            Files::Commit(_) => format!("commit {}", self.revision.short),
            Files::Worktree => "the working directory".into(),
        }
    }
}

/// The commit to build: the flag's, the CI job's, or what is checked out.
fn commit(
    arguments: &BuildArguments,
    environment: &Environment,
) -> Result<Setting<String>, Failure> {
    let mut candidates = Candidates::new("commit").flag("--commit", arguments.commit.clone());
    if !arguments.worktree {
        let jobs = [environment::CI_COMMIT_SHA, environment::GITHUB_SHA, environment::GIT_COMMIT];
        for variable in jobs {
            if environment.value(variable).is_some() {
                candidates =
                    candidates.environment(environment, variable).map_err(failure::variable)?;
                break;
            }
        }
    }
    Ok(candidates.or("HEAD".into()))
}

/// Removes `.` and `..` without looking at the disk.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Tells apart a settings file that is wrong from one that is not there; for hints.
pub(crate) fn missing_settings(project: &Project) -> Option<String> {
    let name =
        project.directory.strip_prefix(&project.root).unwrap_or(Path::new("")).join(FILE_NAME);
    let here = project.notes.directory.is_none() && project.is_only_on_disk(&name);
    here.then(|| {
        format!("`{}` is not committed; commit it, or build with `--worktree`", name.display())
    })
}
