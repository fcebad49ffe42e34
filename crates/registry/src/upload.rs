//! One blob into a repository: there already, mounted, or sent.

mod session;
mod source;

use std::{io, iter, sync::Arc};

use notes_oci::Origin;
use reqwest::{
    RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE},
};
use tokio::sync::Semaphore;

pub(crate) use self::source::Content;
use self::{
    session::{Begun, Limit, Session},
    source::Source,
};
use crate::{
    authorization::Scope,
    client::Client,
    progress::{Blob, Direction, Outcome},
    request::RequestError,
    retry::Retryable,
    stall::Pulse,
};

/// Why a blob did not arrive.
pub(crate) enum UploadError {
    /// It could not be read here.
    Read(io::Error),
    Request(RequestError),
    /// The registry has other bytes of it than were sent before.
    Spoiled(RequestError),
}

impl From<RequestError> for UploadError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl UploadError {
    fn status(&self) -> Option<StatusCode> {
        self.request()?.status().and_then(|status| StatusCode::from_u16(status).ok())
    }
}

impl Retryable for UploadError {
    fn request(&self) -> Option<&RequestError> {
        match self {
            Self::Read(_) => None,
            Self::Request(error) | Self::Spoiled(error) => Some(error),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Read(_) => false,
            Self::Spoiled(_) => true,
            // Another offset than ours is right there; the registry says which.
            Self::Request(error) => error.is_transient() || error.status() == Some(416),
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
    /// Lets as many send at once as may.
    pub(crate) turns: &'a Semaphore,
}

/// What outlives an attempt.
struct State {
    session: Option<Session>,
    limit: Limit,
    /// Bytes that had arrived when a token was replaced, and when an attempt failed.
    refreshed: Option<u64>,
    reached: u64,
}

impl State {
    fn offset(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.offset)
    }
}

impl Upload<'_> {
    /// Brings the blob there. The unit of a retry is the blob: it goes on from the byte that the registry says it has, or
    /// in a new session from the first. Tries are counted anew when bytes have arrived.
    pub(crate) async fn run(&self) -> Result<Outcome, UploadError> {
        let reporter = self.client.reporter.as_ref();
        let mut attempts = self.client.retry.begin(reporter);
        let mut state = State { session: None, limit: Limit::Whole, refreshed: None, reached: 0 };
        let outcome = loop {
            reporter.blob_started(self.blob);
            let error = match self.attempt(&mut state).await {
                Ok(outcome) => break outcome,
                Err(error) => error,
            };
            if self.is_answered_at_once(&error, &mut state) {
                continue;
            }
            if state.offset() > state.reached {
                state.reached = state.offset();
                attempts = self.client.retry.begin(reporter);
            }
            attempts.wait(error).await?;
        };
        reporter.blob_finished(self.blob, outcome);
        Ok(outcome)
    }

    /// Tells whether something else is to be done about `error` than to wait.
    fn is_answered_at_once(&self, error: &UploadError, state: &mut State) -> bool {
        let offset = state.offset();
        match error.status() {
            // A token that ran out while a body was sent: the body cannot be repeated, the blob can. Once from each byte.
            Some(StatusCode::UNAUTHORIZED) => state.refreshed.replace(offset) != Some(offset),
            Some(StatusCode::PAYLOAD_TOO_LARGE) => {
                let registry = &self.place.registry;
                let limit = state.session.take().map_or(state.limit, |session| session.limit);
                let smaller = iter::successors(limit.smaller(registry), |it| it.smaller(registry))
                    .find(|limit| limit.chunk(registry) < self.blob.size);
                state.limit = smaller.unwrap_or(limit);
                smaller.is_some()
            }
            _ => false,
        }
    }

    async fn attempt(&self, state: &mut State) -> Result<Outcome, UploadError> {
        if let Some(broken_off) = &state.session {
            state.session = self.resume(broken_off).await?;
        }
        let opened = match state.session.take() {
            Some(session) => Some(session),
            None if self.exists().await? => return Ok(Outcome::Existed),
            None => match self.mount(state.limit).await? {
                Mount::Done => return Ok(Outcome::Mounted),
                Mount::Upload(session) => Some(session),
                Mount::No => None,
            },
        };
        let _turn = self.turns.acquire().await.expect("it is never closed");
        let session = match opened {
            Some(session) => session,
            None => self.begin(state.limit).await?,
        };
        let begun = session.begun;
        match self.send(state.session.insert(session)).await {
            Err(UploadError::Request(error))
                if begun == Begun::Resumed && error.has_code("DIGEST_INVALID") =>
            {
                state.session = None;
                Err(UploadError::Spoiled(error))
            }
            sent => sent.map(|()| Outcome::Uploaded),
        }
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
    async fn mount(&self, limit: Limit) -> Result<Mount, RequestError> {
        let origin = match &self.content {
            Content::Layer(layer) => layer.origin(),
            Content::Bytes(_) => None,
        };
        let Some(origin) = origin.filter(|origin| {
            origin.registry == self.place.registry
                && origin.repository != self.place.repository
                && self.client.authorizations.may_mount(&origin.registry, self.scope)
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
            StatusCode::ACCEPTED => Mount::Upload(self.opened(limit, &response)?),
            _ => Mount::No,
        })
    }

    async fn begin(&self, limit: Limit) -> Result<Session, RequestError> {
        let address = self.client.address(self.place, "blobs/uploads/");
        let response = self.post(&address).await?;
        let response = self.client.check(&self.place.registry, &[], response).await?;
        self.opened(limit, &response)
    }

    fn opened(&self, limit: Limit, response: &Response) -> Result<Session, RequestError> {
        Session::opened(&self.place.registry, &self.base(), limit, response)
    }

    fn base(&self) -> Url {
        self.client.base(&self.place.registry)
    }

    async fn post(&self, address: &Url) -> Result<Response, RequestError> {
        // Some registries want the length of nothing.
        self.client
            .send_authorized(&self.place.registry, self.scope, |http| {
                http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await
    }

    /// Asks how far an upload has come that broke off. Where the registry does not know, the blob begins anew.
    async fn resume(&self, session: &Session) -> Result<Option<Session>, RequestError> {
        let registry = &self.place.registry;
        let location = &session.location;
        let response = self
            .client
            .send_authorized(registry, self.scope, |http| http.get(location.clone()))
            .await?;
        match self.client.check(registry, &[], response).await {
            Ok(response) => session.resumed(&self.base(), self.blob.size, &response),
            Err(error) if error.is_transient() && !error.is_of_upload() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Sends what the registry does not have yet: in one request where it may, in chunks where it must.
    async fn send(&self, session: &mut Session) -> Result<(), UploadError> {
        let size = self.blob.size;
        self.client.reporter.blob_travels(self.blob, Direction::Up, session.offset);
        let chunk = session.limit.chunk(&self.place.registry);
        let open = |offset| Source::open(&self.content, self.blob, offset);
        let mut source = open(session.offset).await.map_err(UploadError::Read)?;
        if session.offset == 0 && size <= chunk {
            let request = self.client.http.any().put(session.end(&self.blob.digest));
            return self.exchange(request, &source, size).await.map(drop);
        }
        while session.offset < size {
            let end = session.offset.saturating_add(chunk).min(size);
            let range = format!("{}-{}", session.offset, end - 1);
            let request = self.client.http.any().patch(session.location.clone());
            let request = request.header(CONTENT_RANGE, range);
            let response = self.exchange(request, &source, end - session.offset).await?;
            session.advance(&self.base(), end, &response)?;
            if session.offset < end {
                source = open(session.offset).await.map_err(UploadError::Read)?;
            }
        }
        let request = self.client.http.any().put(session.end(&self.blob.digest));
        self.exchange(request, &source, 0).await.map(drop)
    }

    /// Sends a request with the next `length` bytes of `source`, which cannot be repeated as it is.
    async fn exchange(
        &self,
        request: RequestBuilder,
        source: &Source,
        length: u64,
    ) -> Result<Response, UploadError> {
        let registry = &self.place.registry;
        let pulse = Pulse::of(length);
        let request = request
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(source.body(length, &pulse, &self.client.reporter));
        let known = self.client.authorizations.find(registry, self.scope);
        let sent = self.client.execute_watched(registry, request, known.as_ref(), &pulse).await;
        if let Some(error) = source.take_failure() {
            return Err(UploadError::Read(error));
        }
        let response = sent?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(stale) = &known
        {
            self.client.authorizations.forget(registry, self.scope, stale);
        }
        Ok(self.client.check(registry, &[], response).await?)
    }
}

/// What came of a mount.
enum Mount {
    Done,
    /// The registry wants the bytes, and says where.
    Upload(Session),
    No,
}
