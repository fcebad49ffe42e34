//! A conversation with a server, up to its greeting.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gix::{
    progress::Discard,
    protocol::{Handshake, SendFlushOnDrop, credentials},
};
use gix_transport::{
    Protocol, Service,
    client::{
        blocking_io::{Transport, http},
        git::{ConnectMode, blocking_io},
    },
};

use super::{
    Upstream, UpstreamError,
    exchange::{self, Exchange, LastFailure},
};

/// The port of `git://` (git-daemon(1)).
const PORT: u16 = 9418;
/// A server that does not even accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// No byte in either direction for so long is a stall.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// A server that has said what it can do.
pub(super) struct Connection {
    pub(super) transport: SendFlushOnDrop<Box<dyn Transport + Send>>,
    pub(super) handshake: Handshake,
    failure: LastFailure,
}

impl Upstream {
    /// Connects and greets.
    pub(super) fn connect(&self, task: &'static str) -> Result<Connection, UpstreamError> {
        let failure = Arc::new(Mutex::new(None));
        let transport = if self.address.is_web() { self.http(&failure) } else { self.daemon()? };
        let mut transport = SendFlushOnDrop::new(transport, false);
        let nobody = |_: credentials::helper::Action| Ok(None);
        let (inner, service) = (&mut transport.inner, Service::UploadPack);
        let greeted = gix::protocol::handshake(inner, service, nobody, Vec::new(), &mut Discard);
        let handshake = greeted.map_err(|error| self.failed(task, &failure, error))?;
        Ok(Connection { transport, handshake, failure })
    }

    fn http(&self, failure: &LastFailure) -> Box<dyn Transport + Send> {
        let origin = exchange::origin(&self.address.to_string()).to_owned();
        let exchange = Exchange {
            web: Arc::clone(&self.web),
            authorization: self.address.authorization.clone().map(|value| (origin, value)),
            failure: Arc::clone(failure),
            moved: None,
        };
        let url = self.address.url.clone();
        Box::new(http::Transport::new_http(exchange, url, Protocol::V2, false))
    }

    fn daemon(&self) -> Result<Box<dyn Transport + Send>, UpstreamError> {
        let url = &self.address.url;
        let host = url.host().unwrap_or_default();
        let stream = dial(host, url.port.unwrap_or(PORT));
        let connected = stream.and_then(|stream| Ok((stream.try_clone()?, stream)));
        let (read, write) = connected.map_err(|source| {
            let host = format!("{host}:{}", url.port.unwrap_or(PORT));
            UpstreamError::Connect { host, source }
        })?;
        let virtual_host = Some((host.to_owned(), url.port));
        Ok(Box::new(blocking_io::Connection::new(
            read,
            write,
            Protocol::V2,
            url.path.clone(),
            virtual_host,
            ConnectMode::Daemon,
            false,
        )))
    }

    /// Returns what made the conversation fail: what the HTTP client said, where it said something.
    fn failed(
        &self,
        task: &'static str,
        failure: &LastFailure,
        error: gix::Error,
    ) -> UpstreamError {
        match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(source) => UpstreamError::Web { source },
            None => {
                UpstreamError::Server { task, address: self.address(), source: Box::new(error) }
            }
        }
    }
}

impl Connection {
    /// Returns what made it fail.
    pub(super) fn failed(
        &self,
        upstream: &Upstream,
        task: &'static str,
        error: gix::Error,
    ) -> UpstreamError {
        upstream.failed(task, &self.failure, error)
    }
}

fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(IDLE_TIMEOUT))?;
                stream.set_write_timeout(Some(IDLE_TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
