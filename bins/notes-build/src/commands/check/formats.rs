//! How findings are written: for a person, as JSON, and as GitLab's code quality report.

use std::collections::BTreeMap;

use notes_console::{Excerpt, Ui};
use notes_dockerfile::{Lines, ParseError, Position, Severity, Span, Strictness, lint};
use notes_image::plan;
use notes_oci::Digest;
use serde_json::{Value, json};

use crate::failure::Source;

/// How much of the text that a finding is about is a part of its fingerprint, in characters.
const IDENTIFYING: usize = 1_000;

/// What was found in one Dockerfile.
pub(super) struct Checked<'a> {
    source: Source<'a>,
    entries: Vec<Entry>,
}

/// One finding, or what makes the file unusable.
#[derive(Clone)]
pub(super) struct Entry {
    rule: &'static str,
    description: &'static str,
    message: String,
    hint: Option<String>,
    span: Span,
    weight: Weight,
}

/// How much an entry matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Warning,
    /// A finding where the file or the caller says that findings are errors.
    Error,
    /// The file cannot be built.
    Unusable,
}

impl Entry {
    /// Returns the entry of a file that cannot be read.
    pub(super) fn of_parse(error: &ParseError) -> Self {
        Self::unusable(error.reason.to_string(), error.hint(), error.span)
    }

    /// Returns the entry of a file that cannot be planned.
    pub(super) fn of_plan(error: &plan::Error) -> Self {
        Self::unusable(error.to_string(), error.hint(), error.span.unwrap_or_default())
    }

    fn unusable(message: String, hint: Option<String>, span: Span) -> Self {
        let description = "The Dockerfile can be built.";
        Self { rule: "Unusable", description, message, hint, span, weight: Weight::Unusable }
    }
}

impl<'a> Checked<'a> {
    /// Returns the findings of `report`.
    pub(super) fn found(source: Source<'a>, report: &lint::Report) -> Self {
        let weight = match report.strictness {
            Strictness::Warn => Weight::Warning,
            Strictness::Error => Weight::Error,
        };
        let entries = report.findings.iter().map(|finding| Entry {
            rule: finding.rule.name,
            description: finding.rule.description,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            span: finding.span,
            weight,
        });
        Self { source, entries: entries.collect() }
    }

    /// Returns the one entry that says why the file cannot be built.
    pub(super) fn unusable(source: Source<'a>, entry: &Entry) -> Self {
        Self { source, entries: vec![entry.clone()] }
    }

    /// Shows every entry with its line.
    pub(super) fn show(&self, ui: &Ui) {
        let Source { name, text } = self.source;
        let lines = Lines::of(text);
        for Entry { rule, message, hint, span, .. } in &self.entries {
            let Position { line, column } = lines.position(span.start);
            ui.warning(format_args!("{message} ({rule})"));
            ui.line(Excerpt::at(name, text, (*span).into(), (line, column)));
            if let Some(hint) = hint {
                ui.hint(hint);
            }
        }
    }

    /// Returns the report that `docs/check.md` describes.
    pub(super) fn json(&self) -> Value {
        let lines = Lines::of(self.source.text);
        let place = |offset| {
            let position = lines.position(offset);
            json!({ "line": position.line, "column": position.column, "offset": offset })
        };
        let findings = self.entries.iter().map(|entry| {
            let severity = match entry.weight {
                Weight::Warning => Severity::Warning,
                Weight::Error | Weight::Unusable => Severity::Error,
            };
            json!({
                "rule": entry.rule,
                "description": entry.description,
                "severity": severity.as_str(),
                "message": entry.message,
                "hint": entry.hint,
                "start": place(entry.span.start),
                "end": place(entry.span.end),
            })
        });
        json!({ "dockerfile": self.source.name, "findings": findings.collect::<Vec<_>>() })
    }

    /// Returns an array in the form of <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.
    pub(super) fn gitlab(&self) -> Value {
        let lines = Lines::of(self.source.text);
        let mut seen = BTreeMap::new();
        let entries = self.entries.iter().map(|entry| {
            let severity = match entry.weight {
                Weight::Warning => "minor",
                Weight::Error => "major",
                Weight::Unusable => "blocker",
            };
            let mut description = entry.message.clone();
            if let Some(hint) = &entry.hint {
                description = format!("{description} ({hint})");
            }
            json!({
                "description": description,
                "check_name": entry.rule,
                "fingerprint": self.fingerprint(entry, &mut seen),
                "severity": severity,
                "location": {
                    "path": self.source.name,
                    "lines": { "begin": lines.position(entry.span.start).line },
                },
            })
        });
        Value::Array(entries.collect())
    }

    /// Names an entry by what it says and where the text is, not by its line, so that it stays the same when lines above it come
    /// and go; the second of two equal ones is counted.
    fn fingerprint(&self, entry: &Entry, seen: &mut BTreeMap<String, usize>) -> String {
        // A statement may be as long as the file, and have as many findings.
        let text = entry.span.text(self.source.text);
        let text = text.char_indices().nth(IDENTIFYING).map_or(text, |(end, _)| &text[..end]);
        let identity = [self.source.name, entry.rule, &entry.message, text].join("\0");
        let count = seen.entry(identity.clone()).or_default();
        *count += 1;
        Digest::of(format!("{identity}\0{count}")).hex()
    }
}
