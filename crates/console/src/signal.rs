//! Ctrl-C and SIGTERM: the first ends the work in good order, the second at once.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::{Failure, Kind};

/// How long work that was stopped may take to clean up.
const GRACE: Duration = Duration::from_secs(5);

/// Waits for a signal that asks us to end, and returns which kind of end that is.
pub async fn received() -> Kind {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers a signal ends the process by itself, which is an end as well.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Kind::Interrupted,
        _ = terminate.recv() => Kind::Terminated,
    }
}

/// Carries out `work` unless a signal arrives, at which it is dropped where it stands; `left` says what is left behind then.
///
/// # Errors
///
/// Those of `work`, and the signal.
pub async fn or_stopped<T>(
    left: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        kind = received() => Err(stopped(kind, left)),
    }
}

/// Carries out `work` unless a signal arrives; then `cancel` is called and the work has a moment to end in good order.
///
/// A second signal does not wait for that.
///
/// # Errors
///
/// Those of `work`, and the signal.
pub async fn unless_stopped<T>(
    work: impl Future<Output = Result<T, Failure>>,
    cancel: impl FnOnce(),
) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    let kind = tokio::select! {
        result = &mut work => return result,
        kind = received() => kind,
    };
    cancel();
    tokio::select! {
        result = &mut work => if result.is_ok() {
            // The signal came too late: all is done, and its result printed. Other news is that it was stopped.
            return result;
        },
        () = tokio::time::sleep(GRACE) => {}
        _ = received() => {}
    }
    Err(Failure::message(kind, format!("stopped by {}", name(kind))))
}

/// Returns the failure of work that a signal ended; `left` says what is left behind.
pub fn stopped(kind: Kind, left: &str) -> Failure {
    Failure::message(kind, format!("stopped by {}; {left}", name(kind)))
}

fn name(kind: Kind) -> &'static str {
    if kind == Kind::Terminated { "SIGTERM" } else { "Ctrl-C" }
}
