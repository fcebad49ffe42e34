//! One blob into a repository: there already, mounted, or sent.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt;
use notes_oci::{Layer, Origin};
use reqwest::{
    Body, Response, StatusCode, Url,
    header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
};
use tokio_util::io::ReaderStream;

use crate::{
    authorization::Scope,
    client::{Client, described},
    progress::{Blob, Outcome},
    request::RequestError,
    retry::Retryable,
    transport,
};

/// Bytes read from a layer at once.
const BUFFER: usize = 256 * 1024;

/// What a blob is sent from.
pub(crate) enum Content<'a> {
    Layer(&'a Layer),
    Bytes(bytes::Bytes),
}

/// Why a blob did not arrive.
pub(crate) enum UploadError {
    /// It could not be read here.
    Read(io::Error),
    Request(RequestError),
}

impl From<RequestError> for UploadError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl Retryable for UploadError {
    fn request(&self) -> Option<&RequestError> {
        match self {
            Self::Read(_) => None,
            Self::Request(error) => Some(error),
        }
    }
}

/// One blob on its way.
pub(crate) struct Upload<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) place: &'a Origin,
    pub(crate) scope: &'a Scope,
    pub(crate) blob: Blob,
    pub(crate) content: Content<'a>,
}

impl Upload<'_> {
    /// Brings the blob there. The unit of a retry is the whole blob: a new session, read again from its source.
    pub(crate) async fn run(&self) -> Result<Outcome, UploadError> {
        let reporter = self.client.reporter.as_ref();
        let mut attempts = self.client.retry.begin(reporter);
        let mut refreshed = false;
        let outcome = loop {
            reporter.blob_started(self.blob);
            match self.attempt().await {
                Ok(outcome) => break outcome,
                // A token that ran out while a body was sent: the body cannot be repeated, the blob can. Once.
                Err(UploadError::Request(error)) if error.status() == Some(401) && !refreshed => {
                    refreshed = true;
                }
                Err(error) => attempts.wait(error).await?,
            }
        };
        reporter.blob_finished(self.blob, outcome);
        Ok(outcome)
    }

    async fn attempt(&self) -> Result<Outcome, UploadError> {
        if self.exists().await? {
            return Ok(Outcome::Existed);
        }
        let location = match self.mount().await? {
            Mount::Done => return Ok(Outcome::Mounted),
            Mount::Upload(location) => location,
            Mount::No => self.begin().await?,
        };
        self.send(location).await.map(|()| Outcome::Uploaded)
    }

    async fn exists(&self) -> Result<bool, RequestError> {
        let address = self.client.address(self.place, &format!("blobs/{}", self.blob.digest));
        let response = self
            .client
            .send(&self.place.registry, self.scope, &[StatusCode::NOT_FOUND], |http| {
                http.head(address.clone())
            })
            .await?;
        Ok(response.status() != StatusCode::NOT_FOUND)
    }

    /// Asks the registry to take the blob from another of its repositories. Whatever goes wrong with that, the blob
    /// can still be sent, so only a broken connection is an error (distribution spec, "Mounting a blob").
    async fn mount(&self) -> Result<Mount, RequestError> {
        let origin = match &self.content {
            Content::Layer(layer) => layer.origin(),
            Content::Bytes(_) => None,
        };
        let Some(origin) = origin.filter(|origin| {
            origin.registry == self.place.registry && origin.repository != self.place.repository
        }) else {
            return Ok(Mount::No);
        };
        let mut address = self.client.address(self.place, "blobs/uploads/");
        address
            .query_pairs_mut()
            .append_pair("mount", &self.blob.digest.to_string())
            .append_pair("from", origin.repository.as_str());
        let response = self.post(&address).await?;
        Ok(match response.status() {
            StatusCode::CREATED => Mount::Done,
            StatusCode::ACCEPTED => Mount::Upload(self.location(&response)?),
            _ => Mount::No,
        })
    }

    async fn begin(&self) -> Result<Url, RequestError> {
        let address = self.client.address(self.place, "blobs/uploads/");
        let response = self.post(&address).await?;
        let response = self.client.check(&self.place.registry, &[], response).await?;
        self.location(&response)
    }

    async fn post(&self, address: &Url) -> Result<Response, RequestError> {
        // Some registries want the length of nothing.
        self.client
            .send_authorized(&self.place.registry, self.scope, |http| {
                http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await
    }

    /// Reads where to send to: an address of its own, possibly relative, possibly with a query, never rebuilt.
    fn location(&self, response: &Response) -> Result<Url, RequestError> {
        let unusable = |problem: &str| RequestError::answer(described(response), problem);
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| unusable("it names no location to send the blob to"))?;
        let location = response
            .url()
            .join(location)
            .map_err(|_| unusable("its location is not an address"))?;
        if transport::is_safe(&self.client.base(&self.place.registry), &location) {
            Ok(location)
        } else {
            Err(unusable("it sends the blob to a place that is not as safe as the registry"))
        }
    }

    /// Sends the blob in one request, as it is read.
    async fn send(&self, mut location: Url) -> Result<(), UploadError> {
        location.query_pairs_mut().append_pair("digest", &self.blob.digest.to_string());
        let registry = &self.place.registry;
        let failure = Arc::new(Mutex::new(None));
        let body = self.body(&failure).await?;
        let request = self
            .client
            .http
            .put(location)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, self.blob.size)
            .body(body);
        let known = self.client.authorizations.find(registry, self.scope);
        let sent = self.client.execute(registry, request, known.as_ref()).await;
        // The client can only say that the body failed; why was noted on the way.
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(UploadError::Read(error));
        }
        let response = sent?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(stale) = &known
        {
            self.client.authorizations.forget(registry, self.scope, stale);
        }
        self.client.check(registry, &[], response).await?;
        Ok(())
    }

    async fn body(&self, failure: &Arc<Mutex<Option<io::Error>>>) -> Result<Body, UploadError> {
        let layer = match &self.content {
            Content::Bytes(bytes) => return Ok(Body::from(bytes.clone())),
            Content::Layer(layer) => layer,
        };
        let bytes = layer.open().await.map_err(UploadError::Read)?;
        let (blob, reporter) = (self.blob, Arc::clone(&self.client.reporter));
        let failure = Arc::clone(failure);
        let chunks = ReaderStream::with_capacity(bytes, BUFFER).map(move |chunk| {
            chunk.inspect(|chunk| reporter.blob_advanced(blob, chunk.len() as u64)).map_err(
                |error| {
                    let kind = error.kind();
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    io::Error::from(kind)
                },
            )
        });
        Ok(Body::wrap_stream(chunks))
    }
}

/// What came of a mount.
enum Mount {
    Done,
    /// The registry wants the bytes, and says where.
    Upload(Url),
    No,
}
