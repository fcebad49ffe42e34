//! What is deployed from: the repository, its commit, and the settings file.

use std::path::{Path, PathBuf};

use notes_console::{
    Failure, Session, environment,
    settings::{Candidates, NotesFile, Setting},
};
use notes_gitinfo::{Configuration, Repository, Revision};

use crate::{
    cli::{AppArguments, DeployArguments},
    failure,
};

/// Reads the settings file: the one that is named, or the nearest from here up to the repository's root.
pub(crate) fn settings_file(
    session: &Session,
    arguments: &AppArguments,
) -> Result<NotesFile, Failure> {
    let named = arguments
        .config
        .clone()
        .or_else(|| session.environment.value(environment::NOTES_FILE).map(PathBuf::from));
    let read = if let Some(path) = named {
        NotesFile::read(&session.current, &path)
    } else {
        // Outside of a repository, only here: a file further up may be anybody's.
        let repository = discover(&session.current).ok();
        let root = repository.as_ref().and_then(Repository::root).unwrap_or(&session.current);
        NotesFile::find(&session.current, root)
    };
    read.map_err(failure::settings)
}

/// The commit that is deployed.
#[derive(Debug)]
pub(crate) struct Commit {
    /// What the repository says of it.
    pub(crate) revision: Revision,
    /// Its tag: `tag-length` digits, or more where those are not unique.
    pub(crate) tag: String,
}

impl Commit {
    /// Finds the commit: the flag's, the CI job's, or what is checked out.
    pub(crate) fn find(
        session: &Session,
        arguments: &DeployArguments,
        notes: &NotesFile,
    ) -> Result<Self, Failure> {
        let name = name(session, arguments)?;
        let repository = discover(&session.current).map_err(failure::open)?;
        let revision = repository.revision(&name.value).map_err(failure::revision)?;
        let length = Candidates::new("build.tag-length")
            .environment(&session.environment, environment::NOTES_BUILD_TAG_LENGTH)
            .map_err(failure::variable)?
            .file(notes.build.tag_length.clone())
            .optional();
        let tag = match length.value {
            Some(length) => repository
                .abbreviate(revision.commit, usize::from(length))
                .map_err(failure::revision)?,
            None => revision.short.clone(),
        };
        Ok(Self { revision, tag })
    }
}

fn discover(current: &Path) -> Result<Repository, notes_gitinfo::OpenError> {
    Repository::discover_with(current, Configuration::User)
}

fn name(session: &Session, arguments: &DeployArguments) -> Result<Setting<String>, Failure> {
    let jobs = [environment::CI_COMMIT_SHA, environment::GITHUB_SHA, environment::GIT_COMMIT];
    let mut candidates = Candidates::new("commit").flag("--commit", arguments.commit.clone());
    if let Some(variable) = jobs.into_iter().find(|v| session.environment.value(*v).is_some()) {
        candidates =
            candidates.environment(&session.environment, variable).map_err(failure::variable)?;
    }
    Ok(candidates.or("HEAD".into()))
}
