//! Downloads for `ADD`, through the client that also speaks to registries.

use std::{io::Write, pin::Pin};

use notes_image::build::{Fetch, FetchError, Fetched};
use notes_registry::Remote;

/// Downloads files behind URLs.
#[derive(Clone, Debug)]
pub(crate) struct Downloads(pub(crate) Remote);

impl Fetch for Downloads {
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        sink: &'a mut (dyn Write + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            let downloaded = self.0.download(url, sink).await.map_err(|error| {
                let hint = error.hint();
                FetchError::new(error).with_hint(hint)
            })?;
            Ok(Fetched::of_date(downloaded.last_modified.as_deref()))
        })
    }
}
