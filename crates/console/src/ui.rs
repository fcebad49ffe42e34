//! Everything the binaries say: words on stderr, the result on stdout.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anstream::{AutoStream, adapter::strip_bytes};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::{
    Dialect, Failure, Live, Measure, Section, Task,
    color::{self, Color, Stream},
    environment::{self, Environment},
};

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone (`-q`).
    Quiet,
    /// What happens, a line each.
    #[default]
    Normal,
    /// Details too (`-v`).
    Verbose,
    /// And what only a bug report needs (`-vv`).
    Trace,
}

/// Whether bars are drawn (`--progress`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// One line per event, as in the log of a CI job.
    Plain,
    /// Neither bars nor the lines of events that only show progress.
    None,
}

/// What the flags `-q`, `-v`, `--color` and `--progress` ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How much is said.
    pub verbosity: Verbosity,
    /// When it is coloured.
    pub color: Color,
    /// Whether bars are drawn.
    pub progress: Progress,
}

/// The one way to a person. Cheap to clone; clones write to the same place.
#[derive(Clone)]
pub struct Ui(Arc<Inner>);

struct Inner {
    out: Mutex<Box<dyn Write + Send>>,
    bars: MultiProgress,
    options: Options,
    dialect: Dialect,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const STEP: Style = AnsiColor::Green.on_default().bold();
const DIM: Style = Style::new().dimmed();

impl Ui {
    /// Returns the user interface on this process's stderr.
    pub fn on_stderr(options: Options, environment: &Environment) -> Self {
        let stderr = io::stderr();
        let stream = if stderr.is_terminal() { Stream::Terminal } else { Stream::Piped };
        let draws = stream == Stream::Terminal
            && options.progress == Progress::Auto
            && options.verbosity > Verbosity::Quiet
            && environment.value(environment::CI).is_none()
            && environment.value(environment::TERM) != Some("dumb");
        let target =
            if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let out = AutoStream::new(stderr, color::choose(options.color, environment, stream));
        Self::new(Box::new(out), target, options, Dialect::of(environment))
    }

    /// Returns a user interface that keeps what it is told, without colours, for tests.
    ///
    /// ```
    /// use notes_console::{Ui, ui::Options};
    ///
    /// let (ui, said) = Ui::recording(Options::default());
    /// ui.step("Pushed", "4 layers");
    /// assert_eq!(said.text(), "      Pushed 4 layers\n");
    /// ```
    pub fn recording(options: Options) -> (Self, Recording) {
        let recording = Recording::default();
        let out = Box::new(recording.clone());
        (Self::new(out, ProgressDrawTarget::hidden(), options, Dialect::Plain), recording)
    }

    fn new(
        out: Box<dyn Write + Send>,
        target: ProgressDrawTarget,
        options: Options,
        dialect: Dialect,
    ) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        Self(Arc::new(Inner { out: Mutex::new(out), bars, options, dialect }))
    }

    /// Returns how much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.0.options.verbosity
    }

    /// Says `text`, unless it is to be quiet.
    pub fn line(&self, text: impl fmt::Display) {
        self.at(Verbosity::Normal, format_args!("{text}"));
    }

    /// Says what was done, the verb right-aligned as cargo does: `   Pushed 4 layers`.
    pub fn step(&self, verb: &str, text: impl fmt::Display) {
        self.at(Verbosity::Normal, format_args!("{STEP}{verb:>12}{STEP:#} {text}"));
    }

    /// Says how far something is, in the form of [`Ui::step`]; not where only results are wanted (`--progress none`).
    pub fn progress(&self, verb: &str, text: impl fmt::Display) {
        if self.0.options.progress != Progress::None {
            self.step(verb, text);
        }
    }

    /// Tells whether tasks have bars, so that lines about them would say the same again.
    pub fn draws_bars(&self) -> bool {
        !self.0.bars.is_hidden()
    }

    /// Says a detail, when asked to be verbose.
    pub fn detail(&self, text: impl fmt::Display) {
        self.at(Verbosity::Verbose, format_args!("{DIM}{text}{DIM:#}"));
    }

    /// Says what only a bug report needs.
    pub fn trace(&self, text: impl fmt::Display) {
        self.at(Verbosity::Trace, format_args!("{DIM}{text}{DIM:#}"));
    }

    /// Warns of something that does not stop the command.
    pub fn warning(&self, text: impl fmt::Display) {
        self.at(Verbosity::Normal, format_args!("{WARNING}warning:{WARNING:#} {text}"));
    }

    /// Gives advice.
    pub fn hint(&self, text: impl fmt::Display) {
        self.at(Verbosity::Normal, format_args!("{HINT}hint:{HINT:#} {text}"));
    }

    /// Reports why the command failed: the error and its causes on one line, the place, the advice. Even when quiet.
    pub fn report(&self, failure: &Failure) {
        self.at(Verbosity::Quiet, format_args!("{ERROR}error:{ERROR:#} {failure}"));
        for line in failure.output() {
            self.at(Verbosity::Quiet, format_args!("  | {line}"));
        }
        if let Some(excerpt) = failure.excerpt() {
            self.at(Verbosity::Quiet, format_args!("{excerpt}"));
        }
        for hint in failure.hints() {
            self.at(Verbosity::Quiet, format_args!("{HINT}hint:{HINT:#} {hint}"));
        }
    }

    /// Starts something that takes time. A bar appears after a quarter of a second, on a terminal.
    pub fn task(&self, title: impl Into<String>, measure: Measure) -> Task {
        Task::start(&self.0.bars, title.into(), measure)
    }

    /// Starts lines that always show how something stands, on a terminal.
    pub fn live(&self) -> Live {
        Live::start(&self.0.bars)
    }

    /// Opens a section that folds in the log of a CI job; it ends where the returned value is dropped.
    pub fn section(&self, name: &str, title: &str) -> Section {
        Section::open(self.clone(), self.0.dialect, name, title)
    }

    fn at(&self, verbosity: Verbosity, text: fmt::Arguments<'_>) {
        if self.verbosity() >= verbosity {
            self.raw(text);
        }
    }

    /// Writes a line above the bars. A stderr that is gone is no reason to stop a build.
    pub(crate) fn raw(&self, text: impl fmt::Display) {
        self.0.bars.suspend(|| {
            let _ = writeln!(lock(&self.0.out), "{text}");
        });
    }
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("options", &self.0.options).finish_non_exhaustive()
    }
}

/// Prints the result of a command to stdout: the one thing a pipe gets.
///
/// # Errors
///
/// When stdout is gone: then the result did not arrive and the command has not succeeded.
pub fn print_result(text: impl fmt::Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// What a [`Ui::recording`] was told.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// Returns all that was said so far, without colours.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&strip_bytes(&lock(&self.0)).into_vec()).into_owned()
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Locks although another thread panicked while it wrote: what it wrote is only text.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Excerpt, Kind};

    #[test]
    fn a_report_is_one_line_the_place_and_the_advice_even_when_quiet() {
        let (ui, said) =
            Ui::recording(Options { verbosity: Verbosity::Quiet, ..Options::default() });
        ui.step("Built", "everything");
        ui.warning("something");
        let failure = Failure::message(Kind::Configuration, "unknown key `iamge`")
            .with_excerpt(Excerpt::of_line("notes.toml", "iamge = 1", 1))
            .with_hint("did you mean `image`?");
        ui.report(&failure);
        insta::assert_snapshot!(said.text(), @r"
        error: unknown key `iamge`
         --> notes.toml:1:1
          |
        1 | iamge = 1
          | ^^^^^^^^^
        hint: did you mean `image`?
        ");
    }

    #[test]
    fn progress_is_left_out_where_only_results_are_wanted() {
        for (progress, expected) in [(Progress::Plain, "     Sending a\n"), (Progress::None, "")] {
            let (ui, said) = Ui::recording(Options { progress, ..Options::default() });
            ui.progress("Sending", "a");
            assert_eq!(said.text(), expected);
        }
    }

    #[test]
    fn details_are_said_when_asked_for() {
        let (ui, said) =
            Ui::recording(Options { verbosity: Verbosity::Verbose, ..Options::default() });
        ui.detail("a");
        ui.trace("b");
        assert_eq!(said.text(), "a\n");
    }
}
