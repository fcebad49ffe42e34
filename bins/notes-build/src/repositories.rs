//! Git repositories for `ADD`: gitinfo fetches them, through the client that also speaks to registries.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use notes_gitinfo::{
    Credential, Id, Kind, LargeFiles, Repository, Revision, Submodule, Upstream, UpstreamError, Web,
};
use notes_image::{
    build::{
        Asked, Authorization, CheckedOut, Checkout, FetchError, GitDirectory, Place, Repositories,
        Submodules, Tip,
    },
    context::{Directory, Grafted, Within},
    tree::{Nothing, Tree},
};
use notes_registry::{Remote, RequestError};
use notes_sandbox::Secret;
use tokio::runtime::Handle;

use crate::{blocking, context, web::Client};

/// Fetches single commits.
#[derive(Clone, Debug)]
pub(crate) struct Clones(Remote);

impl Clones {
    /// Returns what fetches commits through `remote`.
    pub(crate) fn new(remote: Remote) -> Self {
        Self(remote)
    }

    /// Returns the work on the server of `place`, to be done where it may block.
    fn server(&self, place: &Place) -> Server {
        let credential = match &place.authorization {
            Some(Authorization::Token(secret)) => Some(Credential::Token(text(secret))),
            Some(Authorization::Header(secret)) => Some(Credential::Header(text(secret))),
            None => None,
        };
        let web = Arc::new(Client { remote: self.0.clone(), runtime: Handle::current() });
        Server { web, credential, stop: Arc::default() }
    }
}

impl Repositories for Clones {
    fn resolve<'a>(&'a self, place: &'a Place, name: Option<&'a str>) -> Asked<'a, Option<Tip>> {
        let (server, address) = (self.server(place), place.address.clone());
        let name = name.map(str::to_owned);
        Box::pin(stoppable(Arc::clone(&server.stop), move || {
            let tip = server.upstream(&address)?.resolve(name.as_deref());
            Ok(tip.map_err(|error| server.failed(error))?.map(|tip| Tip {
                commit: tip.commit.to_string(),
                tag: tip.tag.map(|tag| tag.to_string()),
                reference: tip.reference,
            }))
        }))
    }

    fn check_out<'a>(&'a self, checkout: &'a Checkout, into: &'a Path) -> Asked<'a, CheckedOut> {
        let server = self.server(&checkout.place);
        let (checkout, into) = (checkout.clone(), into.to_owned());
        Box::pin(stoppable(Arc::clone(&server.stop), move || server.check_out(&checkout, &into)))
    }
}

/// Does work on a thread that may block; it is told to stop when nobody waits for it any more.
async fn stoppable<T: Send + 'static>(
    stop: Arc<AtomicBool>,
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let _guard = Stopping(stop);
    blocking(work).await
}

struct Stopping(Arc<AtomicBool>);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A server, and what it is shown.
struct Server {
    web: Arc<dyn Web>,
    credential: Option<Credential>,
    stop: Arc<AtomicBool>,
}

impl Server {
    fn upstream(&self, address: &str) -> Result<Upstream, FetchError> {
        let upstream = Upstream::new(address, Arc::clone(&self.web));
        let upstream = upstream.map_err(|error| self.failed(error))?;
        Ok(upstream.with_credential(self.credential.as_ref()))
    }

    fn check_out(&self, checkout: &Checkout, into: &Path) -> Result<CheckedOut, FetchError> {
        let Checkout { place, tip, directory, submodules, git_directory } = checkout;
        let upstream = self.upstream(&place.address)?;
        let wanted = tip.tag.as_ref().unwrap_or(&tip.commit);
        let id = wanted.parse().map_err(FetchError::new)?;
        let clone = self.fetch(&upstream, id, &into.join("objects"))?;
        let mut tree = self.tree(&clone, &upstream, *submodules, &into.join("submodules"))?;
        // With a directory of it alone there is nothing that `.git` would be about.
        if *git_directory == GitDirectory::Keep && directory.as_os_str().is_empty() {
            tree = with_git_directory(tree, &clone, tip, &upstream, &into.join("checkout"))?;
        }
        let entry = tree.entry(directory).map_err(FetchError::new)?;
        if !entry.is_some_and(|entry| entry.is_directory()) {
            return Err(FetchError::new(NoDirectory { path: directory.clone() }));
        }
        let time = clone.revision.time.as_second();
        Ok(CheckedOut { tree: Arc::new(Within::new(tree, directory)), time })
    }

    fn fetch(&self, upstream: &Upstream, id: Id, into: &Path) -> Result<Clone, FetchError> {
        fs::create_dir_all(into).map_err(FetchError::new)?;
        let repository = upstream.fetch(id, into, &self.stop);
        let repository = repository.map_err(|error| self.failed(error))?;
        let revision = repository.revision(&id.to_string()).map_err(FetchError::new)?;
        Ok(Clone { repository, revision })
    }

    /// Returns the files of a commit with those of its submodules, and of theirs, in their places; what is left out is an
    /// empty directory.
    fn tree(
        &self,
        clone: &Clone,
        upstream: &Upstream,
        submodules: Submodules,
        into: &Path,
    ) -> Result<Arc<dyn Tree>, FetchError> {
        let files = Arc::new(clone.files()?);
        let entries = files.walk("".as_ref()).map_err(FetchError::new)?;
        let links = entries.into_iter().filter(|entry| entry.kind == Kind::Submodule);
        let empty = |entry: notes_gitinfo::Entry| (entry.path, Arc::new(Nothing) as Arc<dyn Tree>);
        let mut grafts: BTreeMap<_, _> = links.map(empty).collect();
        if submodules == Submodules::Fetch {
            let named = files.submodules(&upstream.address()).map_err(FetchError::new)?;
            for (number, submodule) in named.into_iter().enumerate() {
                let into = into.join(number.to_string());
                let path = submodule.path.clone();
                grafts.insert(path, self.submodule(submodule, upstream, &into)?);
            }
        }
        let tree = context::commit(files);
        Ok(if grafts.is_empty() { tree } else { Arc::new(Grafted::new(tree, grafts)) })
    }

    fn submodule(
        &self,
        submodule: Submodule,
        parent: &Upstream,
        into: &Path,
    ) -> Result<Arc<dyn Tree>, FetchError> {
        let Submodule { path, address, commit } = submodule;
        let upstream = parent.beside(&address).map_err(|error| self.failed(error));
        // As people may see it.
        let address = upstream.as_ref().map_or(address, Upstream::address);
        let fetched = upstream.and_then(|upstream| {
            let clone = self.fetch(&upstream, commit, &into.join("objects"))?;
            self.tree(&clone, &upstream, Submodules::Fetch, &into.join("submodules"))
        });
        fetched.map_err(|source| {
            let hint = source.hint();
            let hint = hint.or_else(|| Some("`?submodules=false` leaves submodules out".into()));
            FetchError::new(SubmoduleFailure { path, address, source }).with_hint(hint)
        })
    }

    /// Adds what to do about it.
    fn failed(&self, error: UpstreamError) -> FetchError {
        let request: Option<&RequestError> = match &error {
            UpstreamError::Web { source } => source.get_ref().downcast_ref(),
            _ => None,
        };
        // Forges say of a private repository that it is not there.
        let is_private = request.is_some_and(|it| it.is_denied() || it.is_not_found());
        let hint = match (request, &self.credential) {
            (Some(_), None) if is_private => Some(
                "is it private? `--secret id=GIT_AUTH_TOKEN,env=VARIABLE` shows the server a token"
                    .into(),
            ),
            (Some(request), _) if !is_private => request.hint(),
            _ => None,
        };
        FetchError::new(error).with_hint(hint)
    }
}

/// A commit that was fetched.
struct Clone {
    repository: Repository,
    revision: Revision,
}

impl Clone {
    fn files(&self) -> Result<notes_gitinfo::Tree, FetchError> {
        let tree = self.repository.tree_with(&self.revision, LargeFiles::Pointer);
        tree.map_err(FetchError::new)
    }
}

/// Returns `tree` with a `.git` that git can use.
fn with_git_directory(
    tree: Arc<dyn Tree>,
    clone: &Clone,
    tip: &Tip,
    upstream: &Upstream,
    into: &Path,
) -> Result<Arc<dyn Tree>, FetchError> {
    let id = |text: &String| text.parse::<Id>().map_err(FetchError::new);
    let tip = notes_gitinfo::Tip {
        commit: clone.revision.commit,
        tag: tip.tag.as_ref().map(id).transpose()?,
        reference: tip.reference.clone(),
    };
    fs::create_dir_all(into).map_err(FetchError::new)?;
    let written = clone.repository.write_checkout(&clone.revision, &tip, &upstream.address(), into);
    written.map_err(FetchError::new)?;
    let kept: Arc<dyn Tree> = Arc::new(Directory::new(into));
    Ok(Arc::new(Grafted::new(tree, [(PathBuf::from(".git"), kept)])))
}

fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).trim_end().to_owned()
}

/// The directory of an address is not there.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a directory of the commit", path.display())]
struct NoDirectory {
    path: PathBuf,
}

/// A submodule cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("failed to fetch the submodule `{}` from `{address}`", path.display())]
struct SubmoduleFailure {
    path: PathBuf,
    address: String,
    #[source]
    source: FetchError,
}
