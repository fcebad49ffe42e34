//! A blob in a registry, read when it is opened; a connection that breaks is continued where it broke.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use notes_oci::{ByteStream, Descriptor, Digest, Origin, Verified};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_RANGE, RANGE},
};
use tokio_util::io::StreamReader;

use crate::{
    authorization::Scope,
    client::{self, Client, described},
    progress::{Blob, Direction, Outcome},
    request::RequestError,
};

/// A blob and the places it can be read from, the first of which is known to have its manifest.
#[derive(Clone, Debug)]
pub(crate) struct RemoteBlob {
    client: Arc<Client>,
    places: Arc<[Origin]>,
    blob: Blob,
}

impl RemoteBlob {
    pub(crate) fn new(
        client: &Arc<Client>,
        places: &Arc<[Origin]>,
        descriptor: &Descriptor,
    ) -> Self {
        let blob = Blob { digest: descriptor.digest, size: descriptor.size };
        Self { client: Arc::clone(client), places: Arc::clone(places), blob }
    }
}

impl notes_oci::Blob for RemoteBlob {
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move {
            let mut download =
                Download { source: self.clone(), place: 0, offset: 0, body: None, failures: 0 };
            download.client().reporter.blob_started(self.blob);
            // The first answer is awaited here, so that an absent blob fails when it is opened.
            download.body = Some(download.connect_anywhere().await?);
            download.client().reporter.blob_travels(self.blob, Direction::Down, 0);
            let chunks = stream::try_unfold(download, Download::next);
            let reader = StreamReader::new(Box::pin(chunks));
            Ok(Box::pin(Verified::new(reader, self.blob.digest, self.blob.size)) as ByteStream)
        })
    }

    fn origin(&self) -> Option<Origin> {
        self.places.first().cloned()
    }
}

/// A blob on its way.
struct Download {
    source: RemoteBlob,
    /// Which place is read from.
    place: usize,
    offset: u64,
    body: Option<Body>,
    /// Broken connections since the last byte.
    failures: usize,
}

impl Download {
    fn client(&self) -> &Client {
        &self.source.client
    }

    /// Returns the next bytes.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.connect_anywhere().await?,
            };
            match body.next().await {
                Ok(Some(chunk)) => {
                    self.failures = 0;
                    self.offset += chunk.len() as u64;
                    self.client().reporter.blob_advanced(self.source.blob, chunk.len() as u64);
                    self.body = Some(body);
                    return Ok(Some((chunk, self)));
                }
                // An end that comes early is a broken connection as well.
                Ok(None) if self.offset >= self.source.blob.size => {
                    self.client().reporter.blob_finished(self.source.blob, Outcome::Downloaded);
                    return Ok(None);
                }
                broken => self.note_failure(broken.err())?,
            }
        }
    }

    /// Counts a broken connection; too many without a byte between them are the end.
    fn note_failure(&mut self, source: Option<RequestError>) -> io::Result<()> {
        self.failures += 1;
        if self.failures < self.client().retry.tries {
            return Ok(());
        }
        let Blob { digest, size } = self.source.blob;
        let broken_off = BrokenOff { digest, offset: self.offset, size, source };
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, broken_off))
    }

    /// Asks the places in turn for what is still missing.
    async fn connect_anywhere(&mut self) -> io::Result<Body> {
        loop {
            match connect(&self.source, self.place, self.offset).await {
                Ok(body) => return Ok(body),
                Err(_) if self.place + 1 < self.source.places.len() => self.place += 1,
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

/// The error that a download ends with whose connections break too often.
#[derive(Debug, thiserror::Error)]
#[error("blob {digest} broke off after {offset} of {size} bytes")]
struct BrokenOff {
    digest: Digest,
    offset: u64,
    size: u64,
    source: Option<RequestError>,
}

/// What one connection brings.
struct Body {
    response: Response,
    /// Bytes at its beginning that are known already.
    skip: u64,
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, RequestError> {
        while let Some(mut chunk) = client::chunk(&mut self.response).await? {
            let cut = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
            self.skip -= cut as u64;
            if cut < chunk.len() {
                return Ok(Some(chunk.split_off(cut)));
            }
        }
        Ok(None)
    }
}

async fn connect(source: &RemoteBlob, place: usize, offset: u64) -> Result<Body, RequestError> {
    let place = &source.places[place];
    let address = source.client.address(place, &format!("blobs/{}", source.blob.digest));
    let scope = Scope::pull(&place.repository);
    let get = |http: &reqwest::Client| http.get(address.clone());
    if offset > 0 {
        let ranged = |http: &reqwest::Client| get(http).header(RANGE, format!("bytes={offset}-"));
        let accepted = [StatusCode::RANGE_NOT_SATISFIABLE];
        let response = source.client.send(&place.registry, &scope, &accepted, ranged).await?;
        // A server that cannot cut is asked for all of it.
        if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            return continued(response, offset);
        }
    }
    let response = source.client.send(&place.registry, &scope, &[], get).await?;
    Ok(Body { response, skip: offset })
}

/// Returns the body from `offset` on, whether the registry understood the range or sent all.
fn continued(response: Response, offset: u64) -> Result<Body, RequestError> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(Body { response, skip: offset });
    }
    let first = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    if first != Some(offset) {
        let problem = format!("it was asked for the bytes from {offset} on and sent others");
        return Err(RequestError::answer(described(&response), problem));
    }
    Ok(Body { response, skip: 0 })
}
