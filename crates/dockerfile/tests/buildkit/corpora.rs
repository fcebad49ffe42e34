//! Random texts, each with what `BuildKit` made of it. `NOTES_BUILDKIT_CORPUS` names a folder with larger ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use notes_dockerfile::{
    Dockerfile, Escape, Ignore, IgnoreError, ParseError, Reason, Span, Stars, Wildcard, Word,
};
use serde_json::Value;

use crate::shape;

fn cases(kind: &str) -> Vec<Value> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buildkit");
    let folder = std::env::var_os("NOTES_BUILDKIT_CORPUS").map_or(beside, PathBuf::from);
    let text = fs::read_to_string(folder.join(format!("{kind}.jsonl"))).expect("a corpus");
    let cases: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect();
    assert!(cases.len() >= 500, "only {} cases of {kind}", cases.len());
    cases
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().expect("a text")
}

/// Shows the first differences, and fails if there is one.
fn conclude(kind: &str, differences: &[String]) {
    let shown = differences.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differences in {kind}:\n{shown}", differences.len());
}

#[test]
fn words_expand_as_in_buildkit() {
    let pairs = [
        ("set", "value"),
        ("empty", ""),
        ("two", "a b"),
        ("star", "a*b/c*b"),
        ("1", "one"),
        ("a", "aaa"),
        ("b", "b"),
    ];
    let variables: BTreeMap<String, String> =
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut differences = Vec::new();
    for case in cases("expansion") {
        let raw = text(&case, "word");
        let escape =
            if text(&case, "escape") == "`" { Escape::Backtick } else { Escape::Backslash };
        let expanded = Word::new(raw, escape, Span::new(0, raw.len())).expand_fully(&variables);
        let theirs = case["text"].as_str();
        let same = match &expanded {
            Ok(ours) => {
                let fields: Vec<&str> = case["fields"].as_array().map_or(Vec::new(), |fields| {
                    fields.iter().map(|field| field.as_str().expect("a text")).collect()
                });
                // BuildKit forgets what a word began with when a `${…}` with an operand follows (`wordsBuffer` is shared), and
                // keeps the blank after `<<`, for heredocs.
                let comparable = !raw.contains("${") && !raw.contains("<<");
                theirs == Some(&ours.text) && (fields == ours.fields || !comparable)
            }
            Err(_) => theirs.is_none(),
        };
        if !same {
            differences.push(format!("{case}\n    {expanded:?}"));
        }
    }
    conclude("expansion", &differences);
}

#[test]
fn ignore_files_exclude_what_they_do_in_buildkit() {
    let mut differences = Vec::new();
    for case in cases("ignore") {
        let ours = Ignore::parse(text(&case, "file"));
        let ours = ours.map(|ignore| ignore.excludes(text(&case, "path")).is_some());
        // moby finds a malformed pattern only when a path leads it there.
        let malformed = matches!(ours, Err(IgnoreError::Pattern { .. }));
        if ours.clone().ok() != case["excluded"].as_bool() && !malformed {
            differences.push(format!("{case}\n    {ours:?}"));
        }
    }
    conclude("ignore", &differences);
}

#[test]
fn wildcards_match_what_they_do_in_go() {
    let mut differences = Vec::new();
    for case in cases("wildcard") {
        let ours = Wildcard::parse(text(&case, "pattern"), Stars::Single);
        let ours = ours.map(|wildcard| wildcard.matches(text(&case, "path")));
        let theirs = case["matches"].as_bool().filter(|_| case["malformed"] == false);
        // Go reads a pattern only as far as the name leads it: what it did not read may be malformed.
        let lazy = theirs == Some(false) && ours.is_err();
        if ours.clone().ok() != theirs && !lazy {
            differences.push(format!("{case}\n    {ours:?}"));
        }
    }
    conclude("wildcard", &differences);
}

#[test]
fn dockerfiles_read_as_in_buildkit() {
    let mut differences = Vec::new();
    for case in cases("dockerfile") {
        let source = text(&case, "text");
        match (Dockerfile::parse(source), case["error"].as_str()) {
            (Ok(file), None) => {
                let ours = shape::describe(&file);
                // A quote that is not closed hides heredocs from BuildKit's lexer, not from its parser.
                if openly_quoted(source) {
                    continue;
                }
                for part in ["escape", "syntax", "arguments", "stages"] {
                    if ours[part] != case[part] {
                        differences
                            .push(format!("{source:?}\n    {}\n    {}", ours[part], case[part]));
                    }
                }
            }
            // An escape character alone at the end, and what the comment above is about.
            (Ok(_), Some(error)) if error.ends_with("unknown instruction: ") => {}
            (Ok(_), Some(_)) if openly_quoted(source) => {}
            (Ok(_), Some(error)) => differences.push(format!("{source:?}\n    theirs: {error}")),
            (Err(error), None) if is_explained(&error, source, &case) => {}
            (Err(error), None) => differences.push(format!("{source:?}\n    ours: {error}")),
            (Err(_), Some(_)) => {}
        }
    }
    conclude("dockerfile", &differences);
}

/// What `BuildKit` passes over or leaves to the run time, and we refuse; each has a fixture with a `difference.md`.
fn is_explained(error: &ParseError, source: &str, theirs: &Value) -> bool {
    // BuildKit reads a trigger when it fires (`onbuild-unknown`), and the options of a mount when it runs.
    if source.contains("ONBUILD") || theirs["stages"].to_string().contains(r#""mounts":"error""#) {
        return true;
    }
    match &error.reason {
        // `run-empty`, `cmd-empty`.
        Reason::Arguments { instruction, expected } => {
            matches!(*instruction, "RUN" | "CMD" | "ENTRYPOINT") && expected.contains("command")
        }
        // `flag-stopsignal`, `flag-arg`.
        Reason::UnknownFlag { instruction, .. } => matches!(*instruction, "STOPSIGNAL" | "ARG"),
        _ => false,
    }
}

fn openly_quoted(source: &str) -> bool {
    source.lines().any(|line| {
        line.contains("<<") && ['"', '\''].iter().any(|quote| line.matches(*quote).count() % 2 == 1)
    })
}
