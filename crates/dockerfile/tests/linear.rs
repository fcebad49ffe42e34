//! No text takes the square of its length.

mod nonsense;

use std::time::Duration;

use nonsense::{Clock, KINDS, lots};
use notes_dockerfile::{Dockerfile, Escape, Ignore, Span, Word, lint};

/// Ten megabytes in a release build, half of one in a debug build.
const SIZE: usize = if cfg!(debug_assertions) { 500_000 } else { 10_000_000 };

#[test]
fn nonsense_is_refused_or_parsed_in_linear_time() {
    for (name, kind) in KINDS {
        let source = kind(SIZE);
        let start = Clock::start();
        let result = Dockerfile::parse(&source);
        judge(name, "parse", start.elapsed());
        match result {
            Err(error) => {
                assert!(error.render("Dockerfile").len() < 2_000, "{name}: the report is short");
            }
            Ok(file) => {
                let start = Clock::start();
                lint::check(&file, &lint::Options::default());
                judge(name, "check", start.elapsed());
                let start = Clock::start();
                file.pieces();
                judge(name, "pieces", start.elapsed());
            }
        }
    }
}

/// The same for words, ignore files and patterns.
#[test]
fn nonsense_is_expanded_and_matched_in_linear_time() {
    let lots = |piece: &str| lots(SIZE, piece);
    let nested = |inner: String| "${a:-".repeat(99) + &inner + &"}".repeat(99);
    let words = [
        ("plain text", lots("x")),
        ("dollars", lots("$")),
        ("names", lots("$x")),
        ("different names", lots("$x$y")),
        ("braces", lots("${x}")),
        ("open braces", lots("${")),
        ("nesting", lots("${x:-")),
        ("closed nesting", nested(lots("x"))),
        ("names in nesting", nested(lots("$x "))),
        ("single quotes", lots("'")),
        ("double quotes", lots("\"")),
        ("escapes", lots("\\")),
        ("quoted escapes", format!("\"{}", lots("\\"))),
        ("blanks", lots("a ")),
        ("patterns", lots("${x#*}")),
        ("one pattern", format!("${{x##{}}}", lots("*"))),
        ("replacements", lots("${x//a/b}")),
        ("modifiers", lots("${x:-y}${x:+y}")),
    ];
    for (name, raw) in words {
        let word = Word::new(raw.as_str(), Escape::Backslash, Span::new(0, raw.len()));
        for value in [None, Some("aab".to_owned())] {
            let start = Clock::start();
            let _ = word.expand_fully(&|_: &str| value.clone());
            judge(name, "expand", start.elapsed());
        }
    }
    let files = [
        ("patterns", lots("a*b\n")),
        ("one pattern", lots("*")),
        ("exceptions", lots("!**/a\n")),
        ("brackets", lots("[a]")),
        ("open brackets", lots("[")),
    ];
    for (name, text) in files {
        let start = Clock::start();
        if let Ok(ignore) = Ignore::parse(&text) {
            ignore.excludes("some/path/to/a/file");
            ignore.may_include_below("some/path");
        }
        judge(name, "ignore", start.elapsed());
    }
}

/// A debug build must not matter, and a square must still show: it would take minutes.
fn judge(name: &str, what: &str, elapsed: Duration) {
    assert!(elapsed < Duration::from_secs(10), "{what} {name}: {elapsed:?}");
    if std::env::var_os("NOTES_TEST_TIMES").is_some() {
        // The harness shows it with `--nocapture`.
        let text = format_args!("{what} {name}: {elapsed:?}\n");
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), text);
    }
}
