//! Downloads for `ADD`, through the client that also speaks to registries.

use std::{io::Write, pin::Pin};

use notes_image::build::{Fetch, FetchError, Fetched, Validators};
use notes_registry::{Downloaded, Remote, Version};

/// Downloads files behind URLs.
#[derive(Clone, Debug)]
pub(crate) struct Downloads(pub(crate) Remote);

impl Fetch for Downloads {
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        validators: Option<&'a Validators>,
        sink: &'a mut (dyn Write + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            let known = validators.cloned().map(|Validators { entity_tag, last_modified }| {
                Version { entity_tag, last_modified }
            });
            let downloaded = self.0.download(url, known.as_ref(), sink).await;
            let downloaded = downloaded.map_err(|error| {
                let hint = error.hint();
                FetchError::new(error).with_hint(hint)
            })?;
            Ok(match downloaded {
                Downloaded::Unchanged => Fetched::Unchanged,
                Downloaded::File(Version { entity_tag, last_modified }) => {
                    Fetched::File(Validators { entity_tag, last_modified })
                }
            })
        })
    }
}
