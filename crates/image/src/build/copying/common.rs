//! What `COPY` and `ADD` have in common: their variables put in.

use std::collections::BTreeMap;

use notes_dockerfile::{CopySource, Ignore, Spanned, Word};

use crate::build::{
    Problem,
    copy::{self, Archives, Parents, Request, Source, mode::Mode, remote::Form},
    owner,
    state::State,
};

/// Whether a layer knows what is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::build) enum Link {
    /// Links in the destination are followed, existing directories kept.
    Merged,
    /// `--link`: as if there were nothing.
    Independent,
}

/// What `COPY` and `ADD` have in common, as written.
pub(in crate::build) struct Common<'a> {
    pub(in crate::build) instruction: &'static str,
    pub(in crate::build) sources: &'a [CopySource],
    pub(in crate::build) destination: &'a Word,
    pub(in crate::build) chown: Option<&'a Word>,
    pub(in crate::build) chmod: Option<&'a Word>,
    pub(in crate::build) excludes: &'a [Spanned<String>],
    pub(in crate::build) parents: Parents,
    pub(in crate::build) archives: Archives,
    pub(in crate::build) link: Link,
}

/// A request before names of users are looked up.
pub(in crate::build) struct Prepared {
    pub(in crate::build) request: Request,
    pub(in crate::build) chown: Option<String>,
    pub(in crate::build) chmod: Option<String>,
    pub(in crate::build) link: Link,
    pub(in crate::build) created_by: String,
}

impl Prepared {
    /// Tells whether the owner has to be looked up in the stage.
    pub(in crate::build) fn names_owner(&self) -> bool {
        self.chown.as_deref().is_some_and(|chown| !owner::is_numeric(chown))
    }
}

impl Common<'_> {
    /// Puts the variables in; `remotes` are the sources that are not in the context, as written.
    pub(in crate::build) fn prepare(
        &self,
        state: &State,
        remotes: &BTreeMap<String, Source>,
    ) -> Result<Prepared, Problem> {
        let expand = |word: &Word| word.expand(&state.scope);
        // An empty value, of an unset variable say, is none.
        let chown = self.chown.map(expand).transpose()?.filter(|chown| !chown.is_empty());
        let chmod = self.chmod.map(expand).transpose()?.filter(|chmod| !chmod.is_empty());
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
        let sources = self.sources.iter().map(|source| expand_source(state, source, remotes));
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
            Source::Remote(remote) => remote.url.clone(),
            Source::Commit(commit) => commit.url.clone(),
            Source::Text { name, .. } => format!("<<{name}"),
        }));
        words.push(request.destination.clone());
        words.join(" ")
    }
}

/// Puts the variables into a source.
fn expand_source(
    state: &State,
    source: &CopySource,
    remotes: &BTreeMap<String, Source>,
) -> Result<Source, Problem> {
    Ok(match source {
        CopySource::Heredoc(heredoc) => Source::Text {
            name: heredoc.name.clone(),
            content: heredoc.expand(&state.scope)?.into_bytes().into(),
        },
        CopySource::Path(word) => {
            let path = word.expand(&state.scope)?;
            match (Form::of(&path), remotes.get(&path)) {
                (Form::Path, _) => Source::Pattern(path),
                (_, Some(remote)) => remote.clone(),
                (_, None) => return Err(Problem::CopyOfUrl { url: path }),
            }
        }
    })
}
