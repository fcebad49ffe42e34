//! Lines that are drawn anew while something goes on.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// A few lines at the bottom of a terminal that always show how something stands. They go when this is dropped; off a terminal
/// there are none.
#[derive(Debug)]
#[must_use = "the lines go when this is dropped"]
pub struct Live {
    bar: Option<ProgressBar>,
}

impl Live {
    pub(crate) fn start(bars: &MultiProgress) -> Self {
        let bar = (!bars.is_hidden()).then(|| {
            let style = ProgressStyle::with_template("{msg}").expect("the template is well formed");
            bars.add(ProgressBar::new_spinner().with_style(style))
        });
        Self { bar }
    }

    /// Shows `text` in the place of what was shown before.
    pub fn show(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
            bar.tick();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_a_terminal_nothing_is_shown() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        let live = Live::start(&bars);
        live.show("READY\n1/2");
        assert!(live.bar.is_none());
    }
}
