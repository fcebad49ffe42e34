//! Stalls: an exchange in which no byte moves for too long.
//!
//! The HTTP client's own limit does not do: its `read_timeout` runs while a request's body is sent, and so ends each
//! upload that takes longer, however fast its bytes flow (reqwest 0.13, `PendingRequest`).

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{self, Instant};

use crate::locked::locked;

/// A registry may copy a whole blob to where it keeps them before it answers; that takes so many times longer.
const COMMIT_FACTOR: u32 = 5;

/// The error that a stall is.
#[derive(Debug, thiserror::Error)]
#[error("no byte moved for {after:?}")]
pub(crate) struct Stalled {
    after: Duration,
}

/// Waits for `next`, but not longer than `patience`.
pub(crate) async fn within<T>(
    patience: Duration,
    next: impl Future<Output = T>,
) -> Result<T, Stalled> {
    time::timeout(patience, next).await.map_err(|_| Stalled { after: patience })
}

/// Bytes of a request's body on their way, as seen by the one who waits for the answer.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Beat>>);

#[derive(Clone, Copy, Debug)]
struct Beat {
    last: Instant,
    left: u64,
}

impl Pulse {
    /// Begins to watch a body of so many bytes.
    pub(crate) fn of(length: u64) -> Self {
        Self(Arc::new(Mutex::new(Beat { last: Instant::now(), left: length })))
    }

    /// Watches an exchange of whose request nothing can be seen on its way.
    pub(crate) fn unfelt() -> Self {
        Self::of(u64::MAX)
    }

    /// Notes that bytes were taken.
    pub(crate) fn beat(&self, bytes: u64) {
        let mut beat = locked(&self.0);
        *beat = Beat { last: Instant::now(), left: beat.left.saturating_sub(bytes) };
    }

    /// Waits for `answer` as long as bytes are taken, and once all were, as long as a registry may need to store them.
    pub(crate) async fn watch<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, Stalled> {
        tokio::pin!(answer);
        loop {
            let Beat { last, left } = *locked(&self.0);
            let after = if left == 0 { patience * COMMIT_FACTOR } else { patience };
            if last + after <= Instant::now() {
                return Err(Stalled { after });
            }
            if let Ok(answer) = time::timeout_at(last + after, &mut answer).await {
                return Ok(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_body_that_moves_may_take_longer_than_the_patience() {
        let pulse = Pulse::of(10);
        let sending = async {
            for _ in 0..10 {
                time::sleep(SHORT).await;
                pulse.beat(1);
            }
        };
        let begin = Instant::now();
        assert!(pulse.watch(SHORT * 8, sending).await.is_ok());
        assert!(begin.elapsed() > SHORT * 8);
    }

    #[tokio::test]
    async fn a_body_that_nobody_takes_is_given_up() {
        let nothing = std::future::pending::<()>;
        let stalled = Pulse::of(1).watch(SHORT, nothing()).await.unwrap_err();
        assert_eq!(stalled.after, SHORT);
        let stalled = Stalled { after: Duration::from_mins(1) };
        assert_eq!(stalled.to_string(), "no byte moved for 60s");
    }

    #[tokio::test]
    async fn a_registry_may_take_its_time_to_store_what_it_has() {
        let pulse = Pulse::of(1);
        pulse.beat(1);
        let stalled = pulse.watch(SHORT, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(stalled.after, SHORT * COMMIT_FACTOR);
    }
}
