//! What a build and a push tell, as lines.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use notes_console::{Measure, Task, Ui};
use notes_image::report::{Outcome, Reporter, StepName};
use notes_oci::Platform;

use crate::redaction::Redaction;

/// Says what a build does: a line per step that ran, its output when asked to be verbose or when it fails.
#[derive(Debug)]
pub(crate) struct BuildLines {
    ui: Ui,
    /// Put before the names of steps, where several platforms are built.
    platform: Option<Platform>,
    redaction: Redaction,
    tasks: Mutex<HashMap<String, Task>>,
}

impl BuildLines {
    pub(crate) fn new(ui: Ui, platform: Option<Platform>, redaction: Redaction) -> Self {
        Self { ui, platform, redaction, tasks: Mutex::default() }
    }

    fn name(&self, step: &StepName) -> String {
        const LONGEST: usize = 80;
        let StepName { stage, number, of, text } = step;
        let mut short: String = text.chars().take(LONGEST).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        let platform = self.platform.iter().map(|platform| format!("{platform} "));
        format!("[{}{stage} {number}/{of}] {short}", platform.collect::<String>())
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, HashMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for BuildLines {
    fn resolving(&self, name: &str) {
        self.ui.detail(format_args!("looking up {name}"));
    }

    fn unpacking(&self, digest: &str, size: u64) {
        self.ui.step("Unpacking", format_args!("{digest} ({})", Bytes(size)));
    }

    fn started(&self, step: &StepName) {
        let name = self.name(step);
        self.tasks().insert(name.clone(), self.ui.task(name, Measure::Unknown));
    }

    fn output(&self, step: &StepName, line: &str) {
        let line = self.redaction.apply(line);
        // Where several stages are built, each line says whose it is.
        if self.tasks().len() > 1 {
            self.ui.line(format_args!("             [{}] | {line}", step.stage));
        } else {
            self.ui.line(format_args!("             | {line}"));
        }
    }

    fn finished(&self, step: &StepName, outcome: &Outcome) {
        let name = self.name(step);
        self.tasks().remove(&name);
        match outcome {
            Outcome::Config => self.ui.detail(format_args!("             {name}")),
            Outcome::Cached => self.ui.step("Cached", name),
            Outcome::Shared { cache } => {
                self.ui.step("Cached", format_args!("{name} (from {cache})"));
            }
            Outcome::Ran { duration } => {
                self.ui.step("Ran", format_args!("{name} in {}", Elapsed(*duration)));
            }
        }
    }

    fn warning(&self, text: &str) {
        self.ui.warning(text);
    }
}

/// A size as a person reads it: `1.4 MB`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
        match units.into_iter().find(|(size, _)| self.0 >= *size) {
            // In tenths, rounded down: a size that is printed was there.
            Some((size, unit)) => {
                write!(f, "{}.{} {unit}", self.0 / size, self.0 % size * 10 / size)
            }
            None => write!(f, "{} B", self.0),
        }
    }
}

/// A duration as a person reads it: `0.4 s`, `2 min 5 s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed(pub(crate) Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{} ms", self.0.as_millis()),
            seconds @ 1..60 => write!(f, "{seconds}.{} s", self.0.subsec_millis() / 100),
            seconds => write!(f, "{} min {} s", seconds / 60, seconds % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_short() {
        let sizes = [0, 999, 1_000, 1_450_000, 2_000_000_000].map(|size| Bytes(size).to_string());
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.4 MB", "2.0 GB"]);
        let times = [5, 1_250, 125_000].map(|ms| Elapsed(Duration::from_millis(ms)).to_string());
        assert_eq!(times, ["5 ms", "1.2 s", "2 min 5 s"]);
    }
}
