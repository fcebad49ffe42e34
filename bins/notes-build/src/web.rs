//! HTTP for git, through the client that also speaks to registries.

use std::io::{self, Cursor, Read};

use notes_gitinfo::{Answer, Request, Web, WebError};
use notes_registry::Remote;
use tokio::runtime::Handle;

/// Sends requests from threads that may block.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) remote: Remote,
    pub(crate) runtime: Handle,
}

impl Web for Client {
    fn send(&self, request: Request) -> Result<Answer, WebError> {
        let Request { address, headers, body } = request;
        let exchange = self.remote.exchange(&address, &headers, body);
        let answer = self.runtime.block_on(exchange).map_err(WebError::new)?;
        let (address, content_type) = (answer.address().into(), answer.content_type().into());
        let content = Content { answer, runtime: self.runtime.clone(), piece: Cursor::default() };
        Ok(Answer { address, content_type, body: Box::new(content) })
    }
}

/// The content of an answer, a piece at a time.
struct Content {
    answer: notes_registry::Answer,
    runtime: Handle,
    piece: Cursor<Vec<u8>>,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.runtime.block_on(self.answer.chunk()).map_err(io::Error::other)? {
                Some(piece) => self.piece = Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
