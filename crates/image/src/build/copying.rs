//! The step `COPY`, and what `ADD` does as it does.

pub(super) mod common;

use std::{collections::BTreeMap, sync::Arc};

use notes_dockerfile::Copy;
use notes_oci::{Digest, ImageSource, Layer};

use super::{
    Problem,
    builder::{Builder, Current},
    context::Files,
    copy::{self, Archives, Parents, Request, Source, remote::Remote},
    files::{self, blocking},
    owner,
    state::State,
    step::{Done, Keyed},
};
use crate::{
    cache::{FILE, KeyBuilder},
    pack::Packer,
    tree::{Nothing, Tree},
};
use common::{Common, Link, Prepared};

impl<S: ImageSource> Builder<'_, S> {
    pub(super) async fn copy(
        &self,
        state: &State,
        copy: &Copy,
        current: &Current<'_>,
    ) -> Result<Done, Problem> {
        let common = Common {
            instruction: "COPY",
            sources: &copy.sources,
            destination: &copy.destination,
            chown: copy.chown.as_ref(),
            chmod: copy.chmod.as_ref(),
            excludes: &copy.excludes,
            parents: if copy.parents.is_some() { Parents::Keep } else { Parents::Drop },
            archives: Archives::Keep,
            link: if copy.link.is_some() { Link::Independent } else { Link::Merged },
        };
        let prepared = common.prepare(state, &BTreeMap::new())?;
        let from = copy.from.as_ref().map(|from| from.value.as_str());
        let files = self.files(from, current).await?;
        let copied = self.copy_files(state, prepared, files).await;
        copied.map_err(|problem| match (problem, from) {
            (Problem::Copy { source: copy::Error::NoMatch { pattern, .. } }, Some(from)) => {
                let origin = from.to_owned();
                Problem::Copy { source: copy::Error::NoMatchIn { pattern, origin } }
            }
            (problem, _) => problem,
        })
    }

    /// Returns the layer of a whole tree on nothing.
    pub(super) async fn whole(
        &self,
        state: &State,
        tree: Arc<dyn Tree>,
    ) -> Result<Option<Layer>, Problem> {
        let request = Request::everything("");
        let prepared = Prepared {
            request,
            chown: None,
            chmod: None,
            link: Link::Independent,
            created_by: "FROM".into(),
        };
        match self.copy_files(state, prepared, Files::Tree(tree)).await? {
            Done::Files { result, .. } => Ok(result.layer),
            Done::Config { .. } => Ok(None),
        }
    }

    pub(super) async fn copy_files(
        &self,
        state: &State,
        prepared: Prepared,
        source: Files,
    ) -> Result<Done, Problem> {
        let keyed = self.copy_key(state, &prepared, &source).await?;
        let named = prepared.names_owner();
        let Prepared { mut request, chown, link, created_by, .. } = prepared;
        if let Some(result) = self.known(&keyed).await {
            return Ok(Done::Files { created_by, result: result.into(), keyed });
        }
        for source in &request.sources {
            if let Source::Remote(Remote { url, digest, .. }) = source {
                let (store, blob) = (self.resources.store.clone(), *digest);
                if !blocking(move || store.has_sound_blob(&blob)).await? {
                    self.download(url, Some(*digest)).await?;
                }
            }
        }
        let clones = self.clones(&request.sources).await?;
        let below: Arc<dyn Tree> = match link {
            Link::Independent if !named => Arc::new(Nothing),
            _ => files::tree(self.resources, &state.layers).await?,
        };
        if let Some(chown) = &chown {
            request.owner = Some(owner::owner(&*below, chown)?);
        }
        let (below, time): (Arc<dyn Tree>, _) = match link {
            Link::Independent => (Arc::new(Nothing), State::independent_time(&keyed.key)),
            Link::Merged => (below, state.time(&keyed.key)),
        };
        let tree = source.tree(self.resources).await?;
        let (store, compression) = (self.resources.store.clone(), self.options.compression);
        let reporter = Arc::clone(&self.resources.reporter);
        let packed = blocking(move || -> Result<_, Problem> {
            let scratch = store.draft_directory()?;
            let packer = Packer::new(&store, compression)?;
            let trees = clones.as_ref().map(|clones| clones.trees.clone()).unwrap_or_default();
            let place = copy::Place { tree, below, store, scratch, time, reporter, clones: trees };
            Ok(copy::copy(&request, &place, packer)?)
        })
        .await?;
        let result = self.remember(&keyed.key, packed)?;
        Ok(Done::Files { created_by, result: result.into(), keyed })
    }

    /// Returns the key: what is copied by its content, where it goes, and, unless linked, what is there.
    async fn copy_key(
        &self,
        state: &State,
        prepared: &Prepared,
        source: &Files,
    ) -> Result<Keyed, Problem> {
        let named = prepared.names_owner();
        let Prepared { request, chown, chmod, link, created_by } = prepared;
        let mut key = KeyBuilder::new("files").with("instruction", created_by);
        if *link == Link::Merged || named {
            key = key.with("parent", state.chain().hex());
        }
        let (files, parts) = match source {
            Files::Tree(tree) => {
                let (request, tree) = (request.clone(), Arc::clone(tree));
                let fingerprint = blocking(move || copy::fingerprint(&request, &*tree)).await?;
                (fingerprint.digest.to_string(), fingerprint.parts)
            }
            // Heredocs may stand beside the sources of a stage.
            Files::Layers { identity, name, .. } => {
                let parts = BTreeMap::from([(name.clone(), Digest::of(identity))]);
                (format!("{identity} {:?}", request.sources), parts)
            }
        };
        let mut key = key
            .with("files", files)
            .with("directory", &request.directory)
            .with("destination", &request.destination)
            .with("owner", format!("{chown:?}"))
            .with("mode", format!("{chmod:?}"))
            .with("excludes", format!("{:?}", request.excludes.rules()))
            .with("how", format!("{:?} {:?} {link:?}", request.parents, request.archives))
            .with("compression", format!("{:?}", self.options.compression));
        for (name, digest) in &parts {
            key = key.with_part(format!("{FILE} {name}"), digest);
        }
        Ok(key.into())
    }
}
