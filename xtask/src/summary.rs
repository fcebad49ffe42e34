//! What ran, counted: passed, failed, and skipped by name.

use std::{collections::BTreeSet, fmt};

/// The beginning of the line with which a test says that it cannot run here: `SKIPPED <name>: <reason>`.
const SKIPPED: &str = "SKIPPED ";

/// The counts of one step or of all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    passed: usize,
    failed: BTreeSet<String>,
    skipped: BTreeSet<String>,
}

impl Summary {
    /// Counts a check that passed.
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }

    /// Counts a check that failed.
    pub(crate) fn fail(&mut self, name: &str) {
        self.failed.insert(name.to_owned());
    }

    /// Counts a check that cannot run here.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        self.skipped.insert(format!("{name}: {reason}"));
    }

    /// Adds the counts of a step.
    pub(crate) fn add(&mut self, step: Self) {
        self.passed += step.passed;
        self.failed.extend(step.failed);
        self.skipped.extend(step.skipped);
    }

    /// True where nothing failed.
    pub(crate) fn is_green(&self) -> bool {
        self.failed.is_empty()
    }

    /// The names of what failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().map(String::as_str)
    }

    /// What was skipped, each `name: reason`.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &str> {
        self.skipped.iter().map(String::as_str)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {} failed, {} skipped", failed.len(), skipped.len())
    }
}

/// Reads the output of `cargo test` line by line.
///
/// A skipped test ends as passed for cargo, so the skips are taken off the passed ones at the end. Tests that
/// are `#[ignore]`d are counted as skipped too: nothing that did not run counts as passed.
#[derive(Debug, Default)]
pub(crate) struct CargoTest {
    summary: Summary,
    target: String,
}

impl CargoTest {
    /// Takes one line.
    pub(crate) fn line(&mut self, line: &str) {
        // SKIPPED may stand behind `test name ... ` when the harness runs single-threaded.
        if let Some(at) = line.find(SKIPPED)
            && (at == 0 || line[..at].ends_with("... "))
            && let Some((name, reason)) = line[at + SKIPPED.len()..].split_once(": ")
        {
            self.summary.skip(name.trim(), reason.trim());
        } else if let Some(target) = line.trim_start().strip_prefix("Running ") {
            target.clone_into(&mut self.target);
        } else if let Some(target) = line.trim_start().strip_prefix("Doc-tests ") {
            self.target = format!("doc tests of {target}");
        } else if let Some(test) = line.strip_prefix("test ") {
            self.test(test);
        }
    }

    fn test(&mut self, test: &str) {
        let Some((name, outcome)) = test.rsplit_once(" ... ") else { return };
        match outcome {
            "ok" => self.summary.pass(),
            "FAILED" => self.summary.fail(&format!("{name} ({})", self.target)),
            _ if outcome.starts_with("ignored") => self.summary.skip(name, outcome),
            _ => {}
        }
    }

    /// Returns the counts; cargo's own failure (a crate that does not build, a test that aborts) counts as one.
    pub(crate) fn finish(mut self, success: bool) -> Summary {
        let skipped_by_themselves =
            self.summary.skipped().filter(|line| !line.contains(": ignored")).count();
        self.summary.passed = self.summary.passed.saturating_sub(skipped_by_themselves);
        if !success && self.summary.is_green() {
            self.summary.fail("cargo test");
        }
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str, success: bool) -> Summary {
        let mut reader = CargoTest::default();
        output.lines().for_each(|line| reader.line(line));
        reader.finish(success)
    }

    #[test]
    fn a_run_is_counted() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/notes_oci-1)
test digest::tests::parses ... ok
test reference::tests::defaults ... ok
test apply_and_wait ... ok
SKIPPED apply_and_wait: no cluster
     Running tests/pull.rs (target/debug/deps/pull-1)
test pull::retries ... FAILED
test pull::slow ... ignored, takes an hour
test result: FAILED. 0 passed; 1 failed; 1 ignored
   Doc-tests notes_oci
test crates/oci/src/digest.rs - digest::Digest (line 12) ... ok
";
        let summary = read(output, false);
        assert_eq!(summary.to_string(), "3 passed, 1 failed, 2 skipped");
        assert_eq!(
            summary.failed().collect::<Vec<_>>(),
            ["pull::retries (tests/pull.rs (target/debug/deps/pull-1))"]
        );
        assert_eq!(
            summary.skipped().collect::<Vec<_>>(),
            ["apply_and_wait: no cluster", "pull::slow: ignored, takes an hour"]
        );
    }

    #[test]
    fn a_skip_behind_the_name_of_its_test_is_seen() {
        let output = "test x ... SKIPPED x: no docker\nok\n";
        assert_eq!(read(output, true).skipped().collect::<Vec<_>>(), ["x: no docker"]);
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert_eq!(
            read("error: could not compile", false).to_string(),
            "0 passed, 1 failed, 0 skipped"
        );
    }
}
