//! Bars for what takes time.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// What is quicker than this is not worth a bar that flashes up.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a task counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Bytes, of so many.
    Bytes(u64),
    /// Things, of so many.
    Items(u64),
    /// Nobody knows how much there is.
    Unknown,
}

impl Measure {
    fn total(self) -> Option<u64> {
        match self {
            Self::Bytes(total) | Self::Items(total) => Some(total),
            Self::Unknown => None,
        }
    }

    fn style(self) -> ProgressStyle {
        let template = match self {
            Self::Bytes(_) => "{msg:32!} [{bar:24}] {bytes:>10} / {total_bytes} {eta:>4}",
            Self::Items(_) => "{msg:32!} [{bar:24}] {pos} / {len}",
            Self::Unknown => "{msg} {spinner} {elapsed}",
        };
        ProgressStyle::with_template(template)
            .expect("the templates above are well formed")
            .progress_chars("=> ")
    }
}

/// Something under way. Its bar goes when it is dropped; off a terminal there is none.
#[derive(Debug)]
#[must_use = "the bar goes when this is dropped"]
pub struct Task {
    shared: Arc<Shared>,
    /// Dropped with the task, which wakes the thread that waits to show the bar.
    _finished: Option<mpsc::Sender<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    done: AtomicU64,
    bar: OnceLock<ProgressBar>,
}

impl Task {
    pub(crate) fn start(bars: &MultiProgress, title: String, measure: Measure) -> Self {
        let shared = Arc::new(Shared::default());
        let finished = (!bars.is_hidden()).then(|| {
            let (sender, receiver) = mpsc::channel();
            let (bars, shared) = (bars.clone(), Arc::clone(&shared));
            thread::spawn(move || {
                if receiver.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    show(&bars, &shared, title, measure);
                    // The bar belongs to this thread, so that a task that ends meanwhile cannot leave it behind.
                    let _ = receiver.recv();
                    if let Some(bar) = shared.bar.get() {
                        bar.finish_and_clear();
                    }
                }
            });
            sender
        });
        Self { shared, _finished: finished }
    }

    /// Counts `amount` more.
    pub fn advance(&self, amount: u64) {
        let done = self.shared.done.fetch_add(amount, Ordering::Relaxed) + amount;
        if let Some(bar) = self.shared.bar.get() {
            bar.set_position(done);
        }
    }

    /// Says what the task is at, beside its bar.
    pub fn describe(&self, text: impl Into<String>) {
        if let Some(bar) = self.shared.bar.get() {
            bar.set_message(text.into());
        }
    }
}

fn show(bars: &MultiProgress, shared: &Shared, title: String, measure: Measure) {
    let bar = measure.total().map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let bar = bars.add(bar.with_style(measure.style()).with_message(title));
    bar.set_position(shared.done.load(Ordering::Relaxed));
    bar.enable_steady_tick(Duration::from_millis(100));
    let _ = shared.bar.set(bar);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed() {
        for measure in [Measure::Bytes(1), Measure::Items(1), Measure::Unknown] {
            let _ = measure.style();
        }
    }

    #[test]
    fn a_task_without_a_terminal_counts_without_a_bar() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        let task = Task::start(&bars, "push".into(), Measure::Bytes(3));
        task.advance(3);
        assert!(task.shared.bar.get().is_none());
    }
}
