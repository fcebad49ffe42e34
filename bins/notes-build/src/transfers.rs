//! What travels to and from registries: bars on a terminal; elsewhere a line where it begins and ends, and a heartbeat.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use notes_console::{Chain, Measure, Task, Ui};
use notes_oci::Digest;
use notes_registry::{Blob, Direction, Outcome, Reporter};

use crate::reporter::{Bytes, Elapsed};

/// So often a line says how far everything is: a CI system that hears nothing for long ends a job.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What is smaller is a detail: it is there before one has read the line.
const NOTABLE: u64 = 1_000_000;

/// Says what travels.
#[derive(Debug)]
pub(crate) struct Transfers {
    shared: Arc<Shared>,
    /// Dropped with this, which ends the thread of the heartbeat. It begins with the first transfer: name spaces cannot be
    /// entered by a process that has several threads.
    heart: OnceLock<mpsc::Sender<()>>,
}

#[derive(Debug)]
struct Shared {
    ui: Ui,
    moving: Mutex<Moving>,
}

/// What is under way.
#[derive(Debug, Default)]
struct Moving {
    blobs: HashMap<Digest, Transfer>,
    /// Bytes that have moved since the last heartbeat.
    since: u64,
}

#[derive(Debug)]
struct Transfer {
    begun: Instant,
    size: u64,
    done: u64,
    task: Task,
}

impl Transfers {
    pub(crate) fn new(ui: Ui) -> Self {
        let shared = Arc::new(Shared { ui, moving: Mutex::default() });
        Self { shared, heart: OnceLock::new() }
    }

    fn start_heart(&self) -> mpsc::Sender<()> {
        let (alive, ended) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            while ended.recv_timeout(HEARTBEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                shared.beat(HEARTBEAT);
            }
        });
        alive
    }
}

impl Shared {
    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far everything is, after `interval`; nothing where nothing is under way.
    fn beat(&self, interval: Duration) {
        let mut moving = self.moving();
        let since = std::mem::take(&mut moving.since);
        let count = moving.blobs.len();
        if count == 0 {
            return;
        }
        let sum = |part: fn(&Transfer) -> u64| Bytes(moving.blobs.values().map(part).sum());
        let (done, size) = (sum(|it| it.done), sum(|it| it.size));
        let layers = if count == 1 { "layer" } else { "layers" };
        let rate = Rate(since, interval);
        self.ui.progress("Moving", format_args!("{count} {layers}: {done} of {size}, {rate}"));
    }

    fn name(blob: Blob) -> String {
        format!("layer {} ({})", blob.digest.short(), Bytes(blob.size))
    }
}

impl Reporter for Transfers {
    fn blob_travels(&self, blob: Blob, direction: Direction, offset: u64) {
        let verb = match direction {
            Direction::Up => "Sending",
            Direction::Down => "Fetching",
        };
        let name = Shared::name(blob);
        let ui = &self.shared.ui;
        if !ui.draws_bars() {
            self.heart.get_or_init(|| self.start_heart());
        }
        match offset {
            _ if blob.size < NOTABLE || ui.draws_bars() => {}
            0 => ui.progress(verb, &name),
            offset => ui.progress(verb, format_args!("{name} from {} on", Bytes(offset))),
        }
        let task = ui.task(format!("{verb} {}", blob.digest.short()), Measure::Bytes(blob.size));
        task.advance(offset);
        let transfer = Transfer { begun: Instant::now(), size: blob.size, done: offset, task };
        self.shared.moving().blobs.insert(blob.digest, transfer);
    }

    fn blob_advanced(&self, blob: Blob, bytes: u64) {
        let mut moving = self.shared.moving();
        moving.since += bytes;
        if let Some(transfer) = moving.blobs.get_mut(&blob.digest) {
            transfer.done += bytes;
            transfer.task.advance(bytes);
        }
    }

    fn blob_finished(&self, blob: Blob, outcome: Outcome) {
        let transfer = self.shared.moving().blobs.remove(&blob.digest);
        let took = transfer.map(|transfer| transfer.begun.elapsed());
        let (ui, name) = (&self.shared.ui, Shared::name(blob));
        match (outcome, took) {
            (Outcome::Uploaded, Some(took)) if blob.size >= NOTABLE => {
                let rate = Rate(blob.size, took);
                ui.progress("Sent", format_args!("{name} in {}, {rate}", Elapsed(took)));
            }
            (Outcome::Downloaded, Some(took)) if blob.size >= NOTABLE => {
                let rate = Rate(blob.size, took);
                ui.progress("Fetched", format_args!("{name} in {}, {rate}", Elapsed(took)));
            }
            (Outcome::Existed, _) => ui.detail(format_args!("{name} is there")),
            (Outcome::Mounted, _) => ui.detail(format_args!("{name} was mounted")),
            (Outcome::Uploaded, _) => ui.detail(format_args!("{name} was sent")),
            (Outcome::Downloaded, _) => ui.detail(format_args!("{name} was fetched")),
        }
    }

    fn retrying(&self, reason: &dyn Error, delay: Duration) {
        self.shared.ui.warning(format_args!(
            "{}; trying again in {}",
            Chain(reason),
            Elapsed(delay)
        ));
    }

    fn warning(&self, text: &str) {
        self.shared.ui.warning(text);
    }
}

/// Bytes in a time, as a person reads it: `12.0 MB/s`.
struct Rate(u64, Duration);

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = self.1.as_millis().max(1);
        let rate = u128::from(self.0) * 1000 / milliseconds;
        write!(f, "{}/s", Bytes(u64::try_from(rate).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use notes_console::ui::Options;

    use super::*;

    #[test]
    fn off_a_terminal_a_layer_has_a_line_at_each_end_and_a_heartbeat_between() {
        let (ui, said) = Ui::recording(Options::default());
        let transfers = Transfers::new(ui);
        let blob = Blob { digest: Digest::of("a"), size: 40_000_000 };
        transfers.shared.beat(HEARTBEAT);
        transfers.blob_travels(blob, Direction::Up, 0);
        transfers.blob_advanced(blob, 15_000_000);
        transfers.shared.beat(HEARTBEAT);
        transfers.blob_travels(blob, Direction::Up, 10_000_000);
        transfers.shared.beat(HEARTBEAT);
        transfers.blob_finished(blob, Outcome::Uploaded);
        transfers.shared.beat(HEARTBEAT);
        let said = said.text();
        let lines: Vec<_> = said.lines().map(|line| line.split(" in ").next().unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
         Sending layer ca978112ca1b (40.0 MB)
          Moving 1 layer: 15.0 MB of 40.0 MB, 1.0 MB/s
         Sending layer ca978112ca1b (40.0 MB) from 10.0 MB on
          Moving 1 layer: 10.0 MB of 40.0 MB, 0 B/s
            Sent layer ca978112ca1b (40.0 MB)
        ");
    }

    #[test]
    fn what_is_small_or_does_not_travel_is_a_detail() {
        let (ui, said) = Ui::recording(Options::default());
        let transfers = Transfers::new(ui);
        for (size, outcome) in [(10, Outcome::Uploaded), (5_000_000, Outcome::Mounted)] {
            let blob = Blob { digest: Digest::of("a"), size };
            transfers.blob_finished(blob, outcome);
        }
        assert_eq!(said.text(), "");
    }

    #[test]
    fn a_rate_is_of_bytes_and_seconds() {
        assert_eq!(Rate(3_000_000, Duration::from_millis(1500)).to_string(), "2.0 MB/s");
        assert_eq!(Rate(1, Duration::ZERO).to_string(), "1.0 kB/s");
    }
}
