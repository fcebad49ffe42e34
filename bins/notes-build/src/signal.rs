//! Ctrl-C and SIGTERM.

use std::time::Duration;

use notes_console::{Failure, Kind};
use tokio::signal::unix::{SignalKind, signal};

/// How long work that was stopped may take to clean up.
const GRACE: Duration = Duration::from_secs(5);

/// Waits for a signal that asks us to end, and returns which kind of end that is.
pub(crate) async fn received() -> Kind {
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

/// Carries out `work` unless a signal arrives; then `cancel` is called and the work has a moment to end in good order.
///
/// A second signal does not wait for that.
pub(crate) async fn unless_stopped<T>(
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
        // What the work says about having been stopped is not news.
        _ = &mut work => {}
        () = tokio::time::sleep(GRACE) => {}
        _ = received() => {}
    }
    let name = if kind == Kind::Terminated { "SIGTERM" } else { "Ctrl-C" };
    Err(Failure::message(kind, format!("stopped by {name}")))
}
