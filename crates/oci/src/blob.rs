//! Bytes that can be opened: where a layer's content comes from when somebody wants it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    digest::{Digest, Hashing},
    reference::{Registry, Repository},
};

/// A stream of a blob's bytes.
pub type ByteStream = Pin<Box<dyn AsyncRead + Send>>;

/// Content that is somewhere else until it is opened: a file, a registry, memory.
///
/// Each call opens a stream of its own from the first byte; a retry opens it again.
pub trait Blob: Send + Sync + 'static {
    /// Opens the bytes. What is read must have the digest and size of the descriptor it was made for; sources that
    /// cannot vouch for their bytes wrap the stream in [`Verified`].
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>>;

    /// Returns the repository that has it already, so that a push can mount it instead of sending it.
    fn origin(&self) -> Option<Origin> {
        None
    }
}

/// A repository that holds a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The registry.
    pub registry: Registry,
    /// The repository in it.
    pub repository: Repository,
}

impl Blob for Bytes {
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>> {
        let bytes = self.clone();
        Box::pin(async move { Ok(Box::pin(io::Cursor::new(bytes)) as ByteStream) })
    }
}

impl<T: Blob + ?Sized> Blob for Arc<T> {
    fn open(&self) -> BoxFuture<'_, io::Result<ByteStream>> {
        (**self).open()
    }

    fn origin(&self) -> Option<Origin> {
        (**self).origin()
    }
}

/// Checks the digest and the size of what is read through it.
///
/// The error comes where the end of the stream would be (or as soon as there is a byte too many), so a reader that
/// has read to the end has read the right bytes.
pub struct Verified<R> {
    inner: Hashing<R>,
    seen: u64,
    state: Option<(Digest, u64)>,
}

impl<R> Verified<R> {
    /// Wraps `inner`, which must yield `size` bytes of `digest`.
    pub fn new(inner: R, digest: Digest, size: u64) -> Self {
        Self { inner: Hashing::new(inner), seen: 0, state: Some((digest, size)) }
    }
}

/// The error inside the [`io::Error`] that [`Verified`] ends with (kind `InvalidData`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There are more or fewer bytes than the descriptor says.
    #[error("blob {digest} has {found} bytes where {expected} were announced")]
    Size {
        /// The blob.
        digest: Digest,
        /// The size in the descriptor.
        expected: u64,
        /// The bytes seen (at least).
        found: u64,
    },
    /// The bytes are others.
    #[error("blob {expected} holds other bytes, of digest {found}")]
    Content {
        /// The digest in the descriptor.
        expected: Digest,
        /// The digest of what was read.
        found: Digest,
    },
}

impl<R: AsyncRead + Unpin> AsyncRead for Verified<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some((expected, size)) = self.state else { return Poll::Ready(Ok(())) };
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        futures::ready!(Pin::new(self.inner.get_mut()).poll_read(context, buffer))?;
        let read = &buffer.filled()[before..];
        self.inner.update(read);
        self.seen += read.len() as u64;
        let ended = read.is_empty();
        if self.seen > size || (ended && self.seen < size) {
            buffer.set_filled(before);
            let error = VerifyError::Size { digest: expected, expected: size, found: self.seen };
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        if ended {
            self.state = None;
            let found = self.inner.digest();
            if found != expected {
                let error = VerifyError::Content { expected, found };
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(bytes: &'static [u8], digest: Digest, size: u64) -> Result<Vec<u8>, VerifyError> {
        let mut read = Vec::new();
        match Verified::new(bytes, digest, size).read_to_end(&mut read).await {
            Ok(_) => Ok(read),
            Err(error) => Err(*error.into_inner().unwrap().downcast().unwrap()),
        }
    }

    #[tokio::test]
    async fn bytes_are_checked_against_digest_and_size() {
        let digest = Digest::of(b"hello");
        assert_eq!(read(b"hello", digest, 5).await, Ok(b"hello".to_vec()));
        assert_eq!(read(b"", Digest::of(b""), 0).await, Ok(Vec::new()));
        for (bytes, found) in [(&b"hell"[..], 4), (b"hello!", 6)] {
            let error = read(bytes, digest, 5).await.unwrap_err();
            assert_eq!(error, VerifyError::Size { digest, expected: 5, found });
        }
        assert_eq!(
            read(b"world", digest, 5).await.unwrap_err(),
            VerifyError::Content { expected: digest, found: Digest::of(b"world") }
        );
    }
}
