//! The step `ADD`: files behind URLs and git repositories, beside what `COPY` takes.

use std::collections::BTreeMap;

use notes_dockerfile::{Add, CopySource};
use notes_oci::{Digest, Hashing, ImageSource};

use super::{
    FetchError, Fetched, Problem, Reuse,
    builder::{Builder, Current},
    copy::{
        Archives, Parents, Source,
        remote::{self, Form, Remote},
    },
    copying::common::{Common, Link},
    repositories::GitDirectory,
    state::State,
    step::Done,
};
use crate::store::Download;

impl<S: ImageSource> Builder<'_, S> {
    pub(super) async fn add(
        &self,
        state: &State,
        add: &Add,
        current: &Current<'_>,
    ) -> Result<Done, Problem> {
        let remotes = self.remotes(state, add).await?;
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
        let prepared = common.prepare(state, &remotes)?;
        let files = self.files(None, current).await?;
        self.copy_files(state, prepared, files).await
    }

    /// Returns what is not in the context among the sources: files, downloaded unless `--checksum` says them already, and
    /// commits.
    async fn remotes(&self, state: &State, add: &Add) -> Result<BTreeMap<String, Source>, Problem> {
        let checksum = add.checksum.as_ref().map(|word| word.expand(&state.scope)).transpose()?;
        let unpack = add.unpack.as_ref().is_some_and(|unpack| unpack.value);
        let archives = if unpack { Archives::Unpack } else { Archives::Keep };
        let keep = add.keep_git_dir.map(|_| GitDirectory::Keep);
        let mut remotes = BTreeMap::new();
        for source in &add.sources {
            let CopySource::Path(word) = source else { continue };
            let url = word.expand(&state.scope)?;
            let source = match Form::of(&url) {
                Form::Path => continue,
                Form::Url => {
                    let name = remote::name(&url);
                    let (digest, modified) = match &checksum {
                        Some(text) => (pinned(text)?, None),
                        None => self.download(&url, None).await?,
                    };
                    Source::Remote(Remote { url: url.clone(), name, digest, modified, archives })
                }
                Form::Repository => {
                    Source::Commit(self.commit(&url, checksum.as_deref(), keep).await?)
                }
            };
            remotes.insert(url, source);
        }
        if keep.is_some() && !remotes.values().any(|it| it.as_commit().is_some()) {
            let text = "`--keep-git-dir` is for git repositories, and no source is one";
            self.resources.reporter.warning(text);
        }
        match checksum {
            Some(checksum) if add.sources.len() > 1 || remotes.is_empty() => {
                Err(Problem::ChecksumOfFiles { checksum })
            }
            _ => Ok(remotes),
        }
    }

    /// Downloads a file into the store, unless it is there and the server says that it is still the same, and returns its
    /// digest and time.
    pub(super) async fn download(
        &self,
        url: &str,
        expected: Option<Digest>,
    ) -> Result<(Digest, Option<i64>), Problem> {
        let fetch = self.resources.fetch.as_ref();
        let fetch = fetch.ok_or_else(|| Problem::NoNetwork { url: url.into() })?;
        self.resources.reporter.resolving(&remote::shown(url));
        let store = &self.resources.store;
        let known = match self.options.reuse {
            Reuse::Cache => store.find_download(url).filter(|it| !it.validators.is_empty()),
            Reuse::Nothing => None,
        };
        let mut hashing = Hashing::new(store.draft()?);
        let validators = known.as_ref().map(|known| &known.validators);
        let fetched = fetch.fetch(url, validators, &mut hashing).await;
        let fetched = fetched.map_err(|source| Problem::Fetch { url: url.into(), source })?;
        let (draft, written, size) = hashing.finish();
        let (found, modified) = match (&fetched, &known) {
            (Fetched::File(validators), _) => (written, validators.modified()),
            (Fetched::Unchanged, Some(known)) => (known.digest, known.validators.modified()),
            (Fetched::Unchanged, None) => {
                let source = FetchError::new("it is said to be unchanged, which was not asked");
                return Err(Problem::Fetch { url: url.into(), source });
            }
        };
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            let (expected, found) = (Box::new(expected), Box::new(found));
            return Err(Problem::Checksum { url: url.into(), expected, found });
        }
        if let Fetched::File(validators) = fetched {
            draft.publish(&found)?;
            store.keep_download(url, &Download { digest: found, size, validators })?;
        }
        Ok((found, modified))
    }
}

/// Reads the value of `--checksum` for a file.
fn pinned(text: &str) -> Result<Digest, Problem> {
    let expected = "a checksum such as `sha256:` and 64 hexadecimal digits";
    text.parse().map_err(|_| Problem::Value { value: text.into(), expected })
}
