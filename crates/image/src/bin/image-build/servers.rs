//! The network of a test: files and repositories that are there.

use std::{collections::BTreeMap, io::Write, path::Path, pin::Pin, sync::Arc};

use notes_image::{
    build::{
        Asked, Authorization, CheckedOut, Checkout, Fetch, FetchError, Fetched, GitDirectory,
        Place, Repositories, Submodules, Tip, Validators,
    },
    context::{Grafted, Listing, Within},
    tree::Tree,
};
use serde::Deserialize;

/// Answers from memory.
pub(crate) struct Files(pub(crate) BTreeMap<String, String>);

impl Fetch for Files {
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        validators: Option<&'a Validators>,
        sink: &'a mut (dyn Write + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            let text = self.0.get(url).ok_or_else(|| FetchError::new("nothing is there"))?;
            let entity_tag = Some(format!("\"{}\"", notes_oci::Digest::of(text)));
            let last_modified = Some("Fri, 14 Jul 2017 02:40:00 GMT".into());
            let current = Validators { entity_tag, last_modified };
            if validators == Some(&current) {
                return Ok(Fetched::Unchanged);
            }
            sink.write_all(text.as_bytes()).map_err(FetchError::new)?;
            Ok(Fetched::File(current))
        })
    }
}

/// A repository.
#[derive(Clone, Deserialize)]
pub(crate) struct Repository {
    /// The whole names of branches and tags, with the ids of their commits.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// The ids of tag objects, by the whole names of tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// The default branch.
    #[serde(default)]
    head: Option<String>,
    /// Texts of files by path, by commit.
    #[serde(default)]
    commits: BTreeMap<String, BTreeMap<String, String>>,
    /// The token that lets a reader in.
    #[serde(default)]
    token: Option<String>,
}

/// Repositories by address.
pub(crate) struct Forge(pub(crate) BTreeMap<String, Repository>);

impl Forge {
    fn find(&self, place: &Place) -> Result<&Repository, FetchError> {
        let token = match &place.authorization {
            Some(Authorization::Token(token)) => Some(token.expose()),
            _ => None,
        };
        let repository = self.0.get(&place.address);
        let repository = repository.ok_or_else(|| FetchError::new("nothing answers"))?;
        if repository.token.as_deref().map(str::as_bytes) == token {
            Ok(repository)
        } else {
            Err(FetchError::new("the server wants another token"))
        }
    }
}

impl Repositories for Forge {
    fn resolve<'a>(&'a self, place: &'a Place, name: Option<&'a str>) -> Asked<'a, Option<Tip>> {
        Box::pin(async move {
            let repository = self.find(place)?;
            let Some(name) = name.or(repository.head.as_deref()) else { return Ok(None) };
            let candidates =
                [name.into(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
            let found = candidates
                .into_iter()
                .find_map(|name| Some((repository.names.get(&name)?.clone(), name)));
            Ok(found.map(|(commit, reference)| Tip {
                commit,
                tag: repository.tags.get(&reference).cloned(),
                reference: Some(reference),
            }))
        })
    }

    fn check_out<'a>(&'a self, checkout: &'a Checkout, into: &'a Path) -> Asked<'a, CheckedOut> {
        Box::pin(async move {
            std::fs::write(into.join("objects"), "").map_err(FetchError::new)?;
            let commits = &self.find(&checkout.place)?.commits;
            let files = commits.get(&checkout.tip.commit);
            let files = files.ok_or_else(|| FetchError::new("the commit is not there"))?;
            let files =
                files.iter().fold(Listing::default(), |it, (path, text)| it.with_file(path, text));
            let mut tree: Arc<dyn Tree> =
                Arc::new(Within::new(Arc::new(files), &checkout.directory));
            let mut grafts = Vec::new();
            if checkout.git_directory == GitDirectory::Keep {
                let head = format!("{:?}", checkout.tip);
                grafts.push((".git".into(), head));
            }
            if checkout.submodules == Submodules::Leave {
                grafts.push((".without-submodules".into(), String::new()));
            }
            for (name, head) in grafts {
                let graft = Arc::new(Listing::default().with_file("HEAD", head));
                tree = Arc::new(Grafted::new(tree, [(name, graft as Arc<dyn Tree>)]));
            }
            Ok(CheckedOut { tree, time: 1_400_000_000 })
        })
    }
}
