//! The steps `COPY` and `ADD`.

use std::sync::Arc;

use notes_dockerfile::{Add, Copy, CopySource, Ignore, Spanned, Word};
use notes_oci::ImageSource;

use super::{
    Problem,
    builder::{Builder, Current},
    context::Files,
    copy::{self, Archives, Parents, Request, Source, mode::Mode},
    files::{self, blocking},
    owner,
    state::State,
    step::{self, Done, Keyed},
};
use crate::{
    cache::KeyBuilder,
    pack::Packer,
    tree::{Nothing, Tree},
};

/// Whether a layer knows what is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Links in the destination are followed, existing directories kept.
    Merged,
    /// `--link`: as if there were nothing.
    Independent,
}

/// What `COPY` and `ADD` have in common.
struct Common<'a> {
    instruction: &'static str,
    sources: &'a [CopySource],
    destination: &'a Word,
    chown: Option<&'a Word>,
    chmod: Option<&'a Word>,
    excludes: &'a [Spanned<String>],
    parents: Parents,
    archives: Archives,
    link: Link,
}

/// A request before names of users are looked up.
struct Prepared {
    request: Request,
    chown: Option<String>,
    chmod: Option<String>,
    link: Link,
    created_by: String,
}

impl<S: ImageSource> Builder<'_, S> {
    pub(super) async fn copy(
        &mut self,
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
        let prepared = common.prepare(state)?;
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

    pub(super) async fn add(
        &mut self,
        state: &State,
        add: &Add,
        current: &Current<'_>,
    ) -> Result<Done, Problem> {
        let unpack = add.unpack.as_ref().is_none_or(|unpack| unpack.value);
        let common = Common {
            instruction: "ADD",
            sources: &add.sources,
            destination: &add.destination,
            chown: add.chown.as_ref(),
            chmod: add.chmod.as_ref(),
            excludes: &add.excludes,
            parents: Parents::Drop,
            archives: if unpack { Archives::Unpack } else { Archives::Keep },
            link: if add.link.is_some() { Link::Independent } else { Link::Merged },
        };
        let prepared = common.prepare(state)?;
        let files = self.files(None, current).await?;
        self.copy_files(state, prepared, files).await
    }

    async fn copy_files(
        &mut self,
        state: &State,
        prepared: Prepared,
        source: Files,
    ) -> Result<Done, Problem> {
        let keyed = self.copy_key(state, &prepared, &source).await?;
        let Prepared { mut request, chown, link, created_by, .. } = prepared;
        if let Some(made) = self.known(&keyed) {
            return Ok(Done::Files { created_by, made, keyed, cached: true });
        }
        let named = chown.as_deref().is_some_and(|chown| !owner::is_numeric(chown));
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
            let place = copy::Place { tree, below, scratch, time, reporter };
            Ok(copy::copy(&request, &place, packer)?)
        })
        .await?;
        let made = step::remember(self.resources, &keyed.key, packed)?;
        Ok(Done::Files { created_by, made, keyed, cached: false })
    }

    /// Returns the key: what is copied by its content, where it goes, and, unless linked, what is there.
    async fn copy_key(
        &self,
        state: &State,
        prepared: &Prepared,
        source: &Files,
    ) -> Result<Keyed, Problem> {
        let Prepared { request, chown, chmod, link, created_by } = prepared;
        let named = chown.as_deref().is_some_and(|chown| !owner::is_numeric(chown));
        let mut key = KeyBuilder::new("files").with("instruction", created_by);
        if *link == Link::Merged || named {
            key = key.with("parent", state.chain().hex());
        }
        let files = match source {
            Files::Tree(tree) => {
                let (request, tree) = (request.clone(), Arc::clone(tree));
                blocking(move || copy::fingerprint(&request, &*tree)).await?.to_string()
            }
            // Heredocs may stand beside the sources of a stage.
            Files::Layers { identity, .. } => format!("{identity} {:?}", request.sources),
        };
        let key = key
            .with("files", files)
            .with("directory", &request.directory)
            .with("destination", &request.destination)
            .with("owner", format!("{chown:?}"))
            .with("mode", format!("{chmod:?}"))
            .with("excludes", format!("{:?}", request.excludes.rules()))
            .with("how", format!("{:?} {:?} {link:?}", request.parents, request.archives))
            .with("compression", format!("{:?}", self.options.compression));
        Ok(key.into())
    }
}

impl Common<'_> {
    fn prepare(&self, state: &State) -> Result<Prepared, Problem> {
        let expand = |word: &Word| word.expand(&state.scope);
        let chown = self.chown.map(expand).transpose()?;
        let chmod = self.chmod.map(expand).transpose()?;
        let mode = match &chmod {
            None => None,
            Some(text) => Some(Mode::parse(text).ok_or_else(|| Problem::Value {
                value: text.clone(),
                expected: "a mode such as `0755` or `u=rwX,go=rX`",
            })?),
        };
        let patterns = self.excludes.iter().map(|exclude| exclude.value.as_str());
        let excludes =
            Ignore::from_patterns(patterns).map_err(|source| copy::Error::Exclude { source })?;
        let sources = self.sources.iter().map(|source| expand_source(state, source));
        let request = Request {
            sources: sources.collect::<Result<_, _>>()?,
            destination: expand(self.destination)?,
            directory: state.directory().into(),
            owner: None,
            mode,
            parents: self.parents,
            archives: self.archives,
            excludes,
        };
        let created_by = self.created_by(&request, chown.as_deref(), chmod.as_deref());
        Ok(Prepared { request, chown, chmod, link: self.link, created_by })
    }

    /// Returns the line of the history, as other builders write it.
    fn created_by(&self, request: &Request, chown: Option<&str>, chmod: Option<&str>) -> String {
        let mut words = vec![self.instruction.to_owned()];
        if self.parents == Parents::Keep {
            words.push("--parents".into());
        }
        words.extend(chown.map(|chown| format!("--chown={chown}")));
        words.extend(chmod.map(|chmod| format!("--chmod={chmod}")));
        words.extend(request.sources.iter().map(|source| match source {
            Source::Pattern(pattern) => pattern.clone(),
            Source::Text { name, .. } => format!("<<{name}"),
        }));
        words.push(request.destination.clone());
        words.join(" ")
    }
}

/// Puts the variables into a source.
fn expand_source(state: &State, source: &CopySource) -> Result<Source, Problem> {
    Ok(match source {
        CopySource::Heredoc(heredoc) => Source::Text {
            name: heredoc.name.clone(),
            content: heredoc.expand(&state.scope)?.into_bytes().into(),
        },
        CopySource::Path(word) => {
            let path = word.expand(&state.scope)?;
            if is_remote(&path) {
                return Err(Problem::Remote { url: path });
            }
            Source::Pattern(path)
        }
    })
}

/// Tells whether a source is a URL or a git repository.
fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"]
        .iter()
        .any(|prefix| source.starts_with(prefix))
}
