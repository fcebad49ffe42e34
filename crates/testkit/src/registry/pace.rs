//! Bodies that do not come as they should: broken off, stalled, slow.

use std::{io, time::Duration};

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt, TryStreamExt, stream};

/// A body drips in so many pieces, with a pause before each.
const DROPS: usize = 8;
const PAUSE: Duration = Duration::from_millis(2);

/// Returns the first bytes of a body, behind which the connection breaks.
pub(super) fn broken(body: Body, bytes: usize) -> Body {
    let end = stream::once(async {
        // Without a pause the server would drop what it has not written yet.
        tokio::time::sleep(PAUSE).await;
        Err(io::ErrorKind::ConnectionReset.into())
    });
    Body::from_stream(first(body, bytes).chain(end))
}

/// Returns the first bytes of a body, behind which nothing comes and nothing ends.
pub(super) fn stalling(body: Body, bytes: usize) -> Body {
    Body::from_stream(first(body, bytes).chain(stream::pending()))
}

/// Returns a body that comes in small pieces.
pub(super) fn dripping(body: Body) -> Body {
    let drops = body.into_data_stream().map_err(io::Error::other).map_ok(|bytes| {
        let size = bytes.len().div_ceil(DROPS).max(1);
        let drops: Vec<_> = bytes.chunks(size).map(|drop| bytes.slice_ref(drop)).collect();
        stream::iter(drops).then(|drop| async {
            tokio::time::sleep(PAUSE).await;
            io::Result::Ok(drop)
        })
    });
    Body::from_stream(drops.try_flatten())
}

fn first(body: Body, bytes: usize) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((body.into_data_stream(), bytes), |(mut body, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(chunk) = body.next().await else { return Ok(None) };
        let chunk = chunk.map_err(io::Error::other)?;
        let chunk = chunk.slice(..left.min(chunk.len()));
        let left = left - chunk.len();
        Ok(Some((chunk, (body, left))))
    })
}
