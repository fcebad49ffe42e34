//! What lies behind a URL that is no registry's: the file that `ADD https://…` downloads, the answers of a git server.
//!
//! It goes through the same client as everything else, so that proxies, certificates and the rule for redirects are the
//! same; no credential is sent but one that stands in the URL itself.

use std::io::Write;

use notes_oci::Registry;
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
};

use crate::{
    Remote,
    client::{self, described},
    refusal,
    request::RequestError,
};

/// What became of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// The file is the one that was asked about; nothing was written.
    Unchanged,
    /// It was written.
    File(Version),
}

/// Which version of a file it is, as its server says, each header as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// `ETag`.
    pub entity_tag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

impl Version {
    /// Asks for another one (RFC 9110, section 13.1).
    fn unless(&self, request: RequestBuilder) -> RequestBuilder {
        let conditions =
            [(IF_NONE_MATCH, &self.entity_tag), (IF_MODIFIED_SINCE, &self.last_modified)];
        let given =
            conditions.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        given.fold(request, |request, (name, value)| request.header(name, value))
    }
}

/// An answer whose content comes in pieces.
#[derive(Debug)]
pub struct Answer(Response);

impl Answer {
    /// Returns the address that answered, after redirects.
    pub fn address(&self) -> &str {
        self.0.url().as_str()
    }

    /// Returns the value of `Content-Type`, empty without one.
    pub fn content_type(&self) -> &str {
        self.header(&CONTENT_TYPE).unwrap_or_default()
    }

    /// Returns the next piece of the content, `None` at its end.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where the connection breaks or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, RequestError> {
        Ok(client::chunk(&mut self.0).await?.map(Into::into))
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }
}

impl Remote {
    /// Writes the file behind `url` into `sink`, unless its server says that it is still the version `known`. What fails before the first byte is tried again if it may pass; a connection
    /// that breaks later is an error.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where the server does not answer with the whole file, or `sink` does not take it.
    pub async fn download(
        &self,
        url: &str,
        known: Option<&Version>,
        sink: &mut (dyn Write + Send),
    ) -> Result<Downloaded, RequestError> {
        let mut answer = match known {
            None => self.request(Method::GET, url, &[], |request| request).await?,
            Some(known) => {
                let accepted = [StatusCode::NOT_MODIFIED];
                self.request(Method::GET, url, &accepted, |request| known.unless(request)).await?
            }
        };
        if answer.0.status() == StatusCode::NOT_MODIFIED {
            return Ok(Downloaded::Unchanged);
        }
        let header = |name| answer.header(&name).map(str::to_owned);
        let version = Version { entity_tag: header(ETAG), last_modified: header(LAST_MODIFIED) };
        while let Some(bytes) = answer.chunk().await? {
            let request = described(&answer.0);
            sink.write_all(&bytes)
                .map_err(|error| RequestError::NoAnswer { request, source: Box::new(error) })?;
        }
        Ok(Downloaded::File(version))
    }

    /// Sends `headers` and `body` to `url`, with `POST` where there is a body and `GET` where there is none, and returns the
    /// answer as soon as its head is there. What may pass is tried again.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where there is no answer, or its status is not a success.
    pub async fn exchange(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, RequestError> {
        let body = body.map(bytes::Bytes::from);
        let complete = |request: RequestBuilder| {
            let request = headers.iter().fold(request, |it, (name, value)| it.header(name, value));
            match &body {
                Some(body) => request.body(body.clone()),
                None => request,
            }
        };
        let method = if body.is_some() { Method::POST } else { Method::GET };
        self.request(method, url, &[], complete).await
    }

    async fn request(
        &self,
        method: Method,
        url: &str,
        accepted: &[StatusCode],
        complete: impl Fn(RequestBuilder) -> RequestBuilder + Sync,
    ) -> Result<Answer, RequestError> {
        let no_url = |_| RequestError::answer(method.as_str(), "the address is no URL");
        let url: Url = url.parse().map_err(no_url)?;
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let server: Registry = authority
            .parse()
            .map_err(|_| RequestError::answer(method.as_str(), "the address has no usable host"))?;
        let client = self.client();
        client
            .patiently(|| async {
                let request = complete(client.http.any().request(method.clone(), url.clone()));
                let response = client.execute(&server, request, None).await?;
                let status = response.status();
                if status.is_success() || accepted.contains(&status) {
                    return Ok(Answer(response));
                }
                let request = described(&response);
                let refusal = Box::new(refusal::read(&server, response, &[]).await);
                Err(RequestError::Refused { request, refusal })
            })
            .await
    }
}
