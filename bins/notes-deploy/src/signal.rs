//! Ctrl-C and SIGTERM.

use notes_console::{Failure, Kind};
use tokio::signal::unix::{SignalKind, signal};

/// Runs `work` until it ends or a signal asks us to end; `left` says what is left behind then.
pub(crate) async fn or_stopped<T>(
    left: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        kind = received() => {
            let name = if kind == Kind::Terminated { "SIGTERM" } else { "Ctrl-C" };
            Err(Failure::message(kind, format!("stopped by {name}; {left}")))
        }
    }
}

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
