//! The bytes of a blob on their way, read once from beginning to end, in as many requests as it takes.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::stream;
use notes_oci::{ByteStream, Layer};
use reqwest::Body;
use tokio::{
    io::{AsyncReadExt, sink},
    sync::{Mutex, mpsc},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    locked::locked,
    progress::{Blob, Reporter},
    stall::Pulse,
};

/// Bytes read from a layer at once, and how many such pieces wait to be sent.
const BUFFER: u64 = 256 * 1024;
const AHEAD: usize = 4;

/// What a blob is sent from.
pub(crate) enum Content<'a> {
    Layer(&'a Layer),
    Bytes(Bytes),
}

/// A blob that is read from some byte on, ahead of what is sent, by a task of its own: bytes are read and checked while
/// those before them travel. Requests that follow each other go on where the one before ended.
pub(super) struct Source {
    blob: Blob,
    shared: Arc<Shared>,
    _reading: AbortOnDropHandle<()>,
}

struct Shared {
    pieces: Mutex<Pieces>,
    /// Why it could not be read: the HTTP client can only say that a body failed.
    failure: std::sync::Mutex<Option<io::Error>>,
}

impl Source {
    /// Opens `content` behind its first `offset` bytes.
    pub(super) async fn open(content: &Content<'_>, blob: Blob, offset: u64) -> io::Result<Self> {
        let mut bytes = match content {
            Content::Layer(layer) => layer.open().await?,
            Content::Bytes(bytes) => Box::pin(io::Cursor::new(bytes.clone())),
        };
        tokio::io::copy(&mut (&mut bytes).take(offset), &mut sink()).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let reader = Reader { bytes, left: blob.size.saturating_sub(offset) };
        let reading = AbortOnDropHandle::new(tokio::spawn(reader.read(sender)));
        let pieces = Mutex::new(Pieces { receiver, rest: Bytes::new() });
        let shared = Arc::new(Shared { pieces, failure: std::sync::Mutex::default() });
        Ok(Self { blob, shared, _reading: reading })
    }

    /// Returns the next `length` bytes as the body of a request.
    pub(super) fn body(&self, length: u64, pulse: &Pulse, reporter: &Arc<dyn Reporter>) -> Body {
        let body = Sending {
            blob: self.blob,
            shared: Arc::clone(&self.shared),
            left: length,
            pulse: pulse.clone(),
            reporter: Arc::clone(reporter),
        };
        Body::wrap_stream(stream::try_unfold(body, Sending::next))
    }

    /// Returns why a body could not be read, if one could not.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        locked(&self.shared.failure).take()
    }
}

/// What was read and not sent yet.
struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Pieces {
    /// Returns at most `limit` bytes, at least one.
    async fn next(&mut self, limit: u64) -> io::Result<Bytes> {
        if self.rest.is_empty() {
            let ended = || io::ErrorKind::UnexpectedEof.into();
            self.rest = self.receiver.recv().await.unwrap_or_else(|| Err(ended()))?;
        }
        let length = usize::try_from(limit).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(length))
    }
}

/// The body of one request.
struct Sending {
    blob: Blob,
    shared: Arc<Shared>,
    left: u64,
    pulse: Pulse,
    reporter: Arc<dyn Reporter>,
}

impl Sending {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let read = self.shared.pieces.lock().await.next(self.left).await;
        match read {
            Ok(piece) => {
                let taken = piece.len() as u64;
                self.left -= taken;
                self.pulse.beat(taken);
                self.reporter.blob_advanced(self.blob, taken);
                Ok(Some((piece, self)))
            }
            Err(error) => {
                let kind = error.kind();
                *locked(&self.shared.failure) = Some(error);
                Err(kind.into())
            }
        }
    }
}

struct Reader {
    bytes: ByteStream,
    /// Bytes of the blob that were not read yet.
    left: u64,
}

impl Reader {
    /// Reads to the end, or to the first error, as fast as pieces are taken.
    async fn read(mut self, sender: mpsc::Sender<io::Result<Bytes>>) {
        while self.left > 0 {
            let piece = self.next(BUFFER).await;
            let failed = piece.is_err();
            if sender.send(piece).await.is_err() || failed {
                break;
            }
        }
    }

    /// Reads at most `limit` bytes, at least one. The last ones are given away only when the end behind them has been seen:
    /// what checks the bytes of a blob does so there.
    async fn next(&mut self, limit: u64) -> io::Result<Bytes> {
        let mut piece = BytesMut::with_capacity(usize::try_from(limit).unwrap_or(usize::MAX));
        let read = (&mut self.bytes).take(limit).read_buf(&mut piece).await? as u64;
        if read == 0 {
            let problem = format!("it ends {} bytes early", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem));
        }
        self.left = self.left.saturating_sub(read);
        if self.left == 0 && self.bytes.read(&mut [0]).await? > 0 {
            let problem = "it has more bytes than it was to have";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(piece.freeze())
    }
}

#[cfg(test)]
mod tests {
    use notes_oci::{Digest, Verified};

    use super::*;

    async fn read(bytes: &'static [u8], digest: Digest, size: u64) -> io::Result<Vec<usize>> {
        let bytes = Box::pin(Verified::new(bytes, digest, size));
        let mut reader = Reader { bytes, left: size };
        let mut lengths = Vec::new();
        while reader.left > 0 {
            lengths.push(reader.next(3).await?.len());
        }
        Ok(lengths)
    }

    #[tokio::test]
    async fn the_last_bytes_are_held_back_until_all_are_known_to_be_right() {
        let digest = Digest::of(b"bytes");
        assert_eq!(read(b"bytes", digest, 5).await.unwrap(), [3, 2]);
        for other in [&b"other"[..], b"byte", b"bytes!"] {
            let error = read(other, digest, 5).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
    }

    #[tokio::test]
    async fn a_source_may_be_entered_in_the_middle() {
        let content = Content::Bytes(Bytes::from_static(b"bytes"));
        let blob = Blob { digest: Digest::of(b"bytes"), size: 5 };
        let source = Source::open(&content, blob, 2).await.unwrap();
        let mut pieces = source.shared.pieces.lock().await;
        assert_eq!(pieces.next(1).await.unwrap(), "t");
        assert_eq!(pieces.next(9).await.unwrap(), "es");
        let error = pieces.next(1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
