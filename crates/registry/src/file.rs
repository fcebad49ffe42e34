//! A file behind a URL that is no registry's: what `ADD https://…` downloads.
//!
//! It goes through the same client as everything else, so that proxies, certificates and the rule for redirects are the
//! same; no credential is sent but one that stands in the URL itself.

use std::io::Write;

use notes_oci::Registry;
use reqwest::{Response, Url, header::LAST_MODIFIED};

use crate::{
    Remote,
    client::described,
    request::{self, RequestError},
};

/// What a server says about a file beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Downloaded {
    /// The `Last-Modified` header as it stands.
    pub last_modified: Option<String>,
}

impl Remote {
    /// Writes the file behind `url` into `sink`. What fails before the first byte is tried again if it may pass; a connection
    /// that breaks later is an error.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where the server does not answer with the whole file, or `sink` does not take it.
    pub async fn download(
        &self,
        url: &str,
        sink: &mut (dyn Write + Send),
    ) -> Result<Downloaded, RequestError> {
        let mut response = self.ask(url).await?;
        let header = response.headers().get(LAST_MODIFIED);
        let last_modified = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
        loop {
            let request = described(&response);
            let chunk = response.chunk().await;
            match chunk.map_err(|error| RequestError::no_answer(request.clone(), error))? {
                Some(bytes) => sink
                    .write_all(&bytes)
                    .map_err(|error| RequestError::NoAnswer { request, source: Box::new(error) })?,
                None => return Ok(Downloaded { last_modified }),
            }
        }
    }

    async fn ask(&self, url: &str) -> Result<Response, RequestError> {
        let no_url = |_| RequestError::answer("GET", "the address is no URL");
        let url: Url = url.parse().map_err(no_url)?;
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let server: Registry = authority
            .parse()
            .map_err(|_| RequestError::answer("GET", "the address has no usable host"))?;
        let mut attempts = self.client().retry.begin(self.client().reporter.as_ref());
        loop {
            let sent = match self
                .client()
                .execute(&server, self.client().http.get(url.clone()), None)
                .await
            {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let request = described(&response);
                    let refusal = Box::new(request::refusal(&server, response).await);
                    RequestError::Refused { request, refusal }
                }
                Err(error) => error,
            };
            attempts.wait(sent).await?;
        }
    }
}
