//! Git repositories as sources of `ADD`: asked what they stand for before the step is looked up, fetched when it is not
//! known.

use std::{collections::BTreeMap, fs, sync::Arc};

use notes_oci::ImageSource;

use super::{
    Authorization, CheckedOut, Checkout, GitDirectory, Place, Problem, Repositories, Tip,
    builder::Builder,
    copy::{
        Source,
        commit::Commit,
        remote::shown,
        repository::{AddressError, Pinning, Repository, is_checksum, is_commit},
    },
};
use crate::store::DraftDirectory;

/// The files of repositories, by the sources as written, and where they lie meanwhile.
pub(super) struct Clones {
    pub(super) trees: BTreeMap<String, CheckedOut>,
    pub(super) _directory: DraftDirectory,
}

impl<S: ImageSource> Builder<'_, S> {
    /// Returns the commit that the repository `url` stands for, without fetching it.
    pub(super) async fn commit(
        &self,
        url: &str,
        checksum: Option<&str>,
        keep: Option<GitDirectory>,
    ) -> Result<Commit, Problem> {
        let repository = understood(url, checksum, keep)?;
        let git_directory = repository.git_directory.unwrap_or_default();
        let place = self.place(&repository.address);
        let (name, checksum) = (repository.name.clone(), repository.checksum.clone());
        let (tip, unseen) = match (repository.pinned(), checksum) {
            (Some(tip), checksum) => (seen(url, tip, checksum.as_deref())?, None),
            // What `.git` says of names only the server knows.
            (None, Some(checksum))
                if is_commit(&checksum) && git_directory == GitDirectory::Drop =>
            {
                (Tip::of_commit(&checksum), Some(checksum))
            }
            (None, checksum) => {
                let tip = self.resolve(url, &place, name.as_deref()).await?;
                (seen(url, tip, checksum.as_deref())?, None)
            }
        };
        let Repository { directory, submodules, times, .. } = repository;
        let checkout = Checkout { place, tip, directory, submodules, git_directory };
        Ok(Commit { url: url.into(), checkout, times, unseen, name })
    }

    /// Returns where a repository is, with the secret that is for its server (docker docs, "Build secrets", "Git
    /// authentication for remote contexts").
    fn place(&self, address: &str) -> Place {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let secret = |name: &str| self.resources.secrets.get(name).cloned();
        let header = |name: &str| secret(name).map(Authorization::Header);
        let token = |name: &str| secret(name).map(Authorization::Token);
        let authorization = header(&format!("GIT_AUTH_HEADER.{host}"))
            .or_else(|| token(&format!("GIT_AUTH_TOKEN.{host}")))
            .or_else(|| header("GIT_AUTH_HEADER"))
            .or_else(|| token("GIT_AUTH_TOKEN"));
        Place { address: address.into(), authorization }
    }

    fn repositories(&self, url: &str) -> Result<&Arc<dyn Repositories>, Problem> {
        let repositories = self.resources.repositories.as_ref();
        repositories.ok_or_else(|| Problem::NoNetwork { url: url.into() })
    }

    async fn resolve(&self, url: &str, place: &Place, name: Option<&str>) -> Result<Tip, Problem> {
        self.resources.reporter.resolving(&shown(url));
        let resolved = self.repositories(url)?.resolve(place, name).await;
        let resolved =
            resolved.map_err(|source| Problem::Repository { url: url.into(), source })?;
        resolved.ok_or_else(|| match name {
            Some(name) => Problem::NoName { url: url.into(), name: name.into() },
            None => Problem::NoDefault { url: url.into() },
        })
    }

    /// Fetches the files of the commits among `sources`.
    pub(super) async fn clones(&self, sources: &[Source]) -> Result<Option<Clones>, Problem> {
        let commits: Vec<_> = sources.iter().filter_map(Source::as_commit).collect();
        if commits.is_empty() {
            return Ok(None);
        }
        let directory = self.resources.store.draft_directory()?;
        let mut trees = BTreeMap::new();
        for (number, commit) in commits.into_iter().enumerate() {
            let url = &commit.url;
            let mut checkout = commit.checkout.clone();
            if let Some(checksum) = &commit.unseen {
                let tip = self.resolve(url, &checkout.place, commit.name.as_deref()).await?;
                checkout.tip = seen(url, tip, Some(checksum))?;
            }
            let into = directory.scratch(&format!("repository-{number}"));
            fs::create_dir(&into)?;
            let files = self.repositories(url)?.check_out(&checkout, &into).await;
            let files = files.map_err(|source| Problem::Repository { url: url.into(), source })?;
            trees.insert(url.clone(), files);
        }
        Ok(Some(Clones { trees, _directory: directory }))
    }
}

/// Parses `url` and puts the flags to what it says.
fn understood(
    url: &str,
    checksum: Option<&str>,
    keep: Option<GitDirectory>,
) -> Result<Repository, Problem> {
    let misread = |source| Problem::Address { url: url.into(), source };
    let contradiction = |first: &str, second: &str| {
        misread(AddressError::Conflict { first: first.into(), second: second.into() })
    };
    let mut repository = Repository::parse(url).map_err(misread)?;
    match (checksum, &repository.checksum) {
        (Some(flag), Some(query)) if flag != query => return Err(contradiction(flag, query)),
        (Some(flag), None) => repository.checksum = Some(flag.into()),
        _ => {}
    }
    match (keep, repository.git_directory) {
        (Some(GitDirectory::Keep), Some(GitDirectory::Drop)) => {
            return Err(contradiction("--keep-git-dir", "keep-git-dir=false"));
        }
        (Some(keep), None) => repository.git_directory = Some(keep),
        _ => {}
    }
    let is_right = match (&repository.checksum, repository.pinning) {
        (None, Pinning::Compare) => true,
        (Some(checksum), Pinning::Compare) => is_checksum(checksum),
        (checksum, Pinning::Fetch) => checksum.as_deref().is_some_and(is_commit),
    };
    if is_right {
        return Ok(repository);
    }
    let expected = match repository.pinning {
        Pinning::Compare => "the id of a commit or its beginning",
        Pinning::Fetch => "the whole id of a commit, which `fetch-by-commit` needs",
    };
    let value = repository.checksum.unwrap_or_default();
    Err(Problem::Value { value, expected })
}

/// Compares a commit with what its id is to begin with; of an annotated tag either id may.
fn seen(url: &str, tip: Tip, checksum: Option<&str>) -> Result<Tip, Problem> {
    let Some(checksum) = checksum else { return Ok(tip) };
    let ids = [Some(&tip.commit), tip.tag.as_ref()];
    if ids.into_iter().flatten().any(|id| id.starts_with(checksum)) {
        return Ok(tip);
    }
    let (expected, found) = (checksum.into(), tip.commit);
    Err(Problem::OtherCommit { url: url.into(), expected, found })
}
