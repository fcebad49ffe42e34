//! What a command writes, as lines.

use std::collections::VecDeque;

use notes_sandbox::Output;

use crate::report::{Reporter, StepName};

/// How many lines an error keeps.
const KEPT: usize = 20;
/// Where a line without an end is cut.
const LONGEST: usize = 8 << 10;

/// Cuts both streams into lines, reports them, and keeps the last ones.
pub(super) struct Lines<'a> {
    reporter: &'a dyn Reporter,
    name: &'a StepName,
    /// The unfinished lines of standard output and of standard error.
    unfinished: [Vec<u8>; 2],
    last: VecDeque<String>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter, name: &'a StepName) -> Self {
        Self { reporter, name, unfinished: [Vec::new(), Vec::new()], last: VecDeque::new() }
    }

    /// Ends the lines that have no end, and returns the last ones.
    pub(super) fn finish(mut self) -> Vec<String> {
        for stream in 0..2 {
            if !self.unfinished[stream].is_empty() {
                self.line(stream);
            }
        }
        self.last.into()
    }

    fn take(&mut self, stream: usize, chunk: &[u8]) {
        for byte in chunk {
            if *byte == b'\n' {
                self.line(stream);
            } else {
                self.unfinished[stream].push(*byte);
                if self.unfinished[stream].len() >= LONGEST {
                    self.line(stream);
                }
            }
        }
    }

    fn line(&mut self, stream: usize) {
        let bytes = std::mem::take(&mut self.unfinished[stream]);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        // A progress bar draws over itself; its last state is what stays on a terminal.
        let text = text.rsplit('\r').next().unwrap_or(text);
        self.reporter.output(self.name, text);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(text.to_owned());
    }
}

impl Output for Lines<'_> {
    fn stdout(&mut self, chunk: &[u8]) {
        self.take(0, chunk);
    }

    fn stderr(&mut self, chunk: &[u8]) {
        self.take(1, chunk);
    }
}
