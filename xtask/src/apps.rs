//! The suites of the example applications, which are not Rust's: pytest and node's runner, by `tests/apps/run.sh`.

use std::{error::Error, process::Command};

use notes_testkit::process;

use crate::{output, summary::Summary, workspace};

/// Runs them.
pub(crate) fn run() -> Result<Summary, Box<dyn Error>> {
    let mut counts = Suites::default();
    let mut command = Command::new(workspace::root().join("tests/apps/run.sh"));
    let status = process::stream(&mut command, |line| {
        counts.line(line);
        output::say(line);
    })?;
    Ok(counts.finish(status.success()))
}

/// Reads what the script says: `SKIPPED name: reason`, `FAILED name`, and at the end `passed 3, skipped 0`.
#[derive(Debug, Default)]
struct Suites {
    summary: Summary,
}

impl Suites {
    fn line(&mut self, line: &str) {
        if let Some((name, reason)) = line.strip_prefix("SKIPPED ").and_then(|l| l.split_once(": "))
        {
            self.summary.skip(name, reason);
        } else if let Some(name) = line.strip_prefix("FAILED ") {
            self.summary.fail(name);
        } else if let Some((count, _)) =
            line.strip_prefix("passed ").and_then(|l| l.split_once(", "))
        {
            for _ in 0..count.parse().unwrap_or(0) {
                self.summary.pass();
            }
        }
    }

    /// Returns the counts; a script that ended badly without naming a suite counts as one failure.
    fn finish(mut self, success: bool) -> Summary {
        if !success && self.summary.is_green() {
            self.summary.fail("tests/apps/run.sh");
        }
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str], success: bool) -> String {
        let mut suites = Suites::default();
        for line in lines {
            suites.line(line);
        }
        suites.finish(success).to_string()
    }

    #[test]
    fn what_the_script_says_is_counted() {
        let lines = [
            "61 passed in 5.86s",
            "SKIPPED notes-app on PostgreSQL: postgres: initdb not found",
            "FAILED node-service",
            "passed 60, skipped 1, failed 1",
        ];
        assert_eq!(read(&lines, false), "60 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_script_that_just_ends_is_a_failure() {
        assert_eq!(read(&["passed 0, skipped 0"], true), "0 passed, 0 failed, 0 skipped");
        assert_eq!(read(&[], false), "0 passed, 1 failed, 0 skipped");
    }
}
