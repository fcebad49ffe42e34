//! What came out: a line for each fixture and builder, and the counts.

use std::collections::BTreeMap;

use super::{
    Expected, Fixture, Judgement,
    reference::{Builder, Outcome},
};
use crate::{output, summary::Summary};

/// The counts, and what failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    versions: Vec<String>,
    fixtures: usize,
    counts: BTreeMap<Builder, Counts>,
    passed: usize,
    failed: Vec<String>,
}

#[derive(Debug, Default)]
struct Counts {
    agree: usize,
    listed: usize,
    unlisted: usize,
}

impl Report {
    /// Begins a report on builders of these versions.
    pub(crate) fn new(versions: Vec<String>) -> Self {
        Self { versions, ..Self::default() }
    }

    /// Checks that ours did with a fixture what its `build.toml` says.
    pub(crate) fn expect(&mut self, fixture: &Fixture, ours: &Outcome) {
        self.fixtures += 1;
        let unexpected = match (fixture.settings.expect, ours) {
            (Expected::Image, Outcome::Refused(words)) => words.clone(),
            (Expected::Error, Outcome::Image(_)) => "an image, where an error is expected".into(),
            _ => return,
        };
        self.fail(format!("{}: notes-build: {unexpected}", fixture.name));
    }

    /// Says how a builder's image compares, in a line, and what is not listed in further ones.
    pub(crate) fn add(&mut self, fixture: &Fixture, builder: Builder, judgement: &Judgement<'_>) {
        let name = &fixture.name;
        let counts = self.counts.entry(builder).or_default();
        if !judgement.unlisted.is_empty() {
            counts.unlisted += 1;
            let mut text = format!("{name}: {builder}: differs");
            for difference in &judgement.unlisted {
                text.push_str("\n    ");
                text.push_str(&difference.to_string());
            }
            self.fail(text);
        } else if judgement.listed.is_empty() {
            counts.agree += 1;
            self.pass(&format!("{name}: {builder}: the same"));
        } else {
            counts.listed += 1;
            let titles: Vec<_> = judgement.listed.iter().copied().collect();
            self.pass(&format!("{name}: {builder}: as listed ({})", titles.join("; ")));
        }
    }

    /// Takes what is listed and was not seen.
    pub(crate) fn vanished(&mut self, lines: Vec<String>) {
        for line in lines {
            self.fail(line);
        }
    }

    fn pass(&mut self, line: &str) {
        self.passed += 1;
        output::say(line);
    }

    fn fail(&mut self, line: String) {
        output::say(&format!("FAILED {line}"));
        self.failed.push(line);
    }

    /// True where nothing failed.
    pub(crate) fn is_green(&self) -> bool {
        self.failed.is_empty()
    }

    /// Returns the counts by builder.
    pub(crate) fn summary(&self) -> Vec<String> {
        let mut lines = vec![format!("{} fixtures, {}", self.fixtures, self.versions.join(", "))];
        lines.extend(self.counts.iter().map(|(builder, counts)| {
            let Counts { agree, listed, unlisted } = counts;
            format!("{builder}: {agree} the same, {listed} as listed, {unlisted} differ")
        }));
        lines.push(format!("{} passed, {} failed", self.passed, self.failed.len()));
        lines
    }

    /// Adds what passed and failed to the summary of all tests.
    pub(crate) fn count(&self, summary: &mut Summary) {
        (0..self.passed).for_each(|_| summary.pass());
        for line in &self.failed {
            summary.fail(&format!("compare: {}", line.lines().next().unwrap_or_default()));
        }
    }
}
