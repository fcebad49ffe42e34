//! What holds for every text, Dockerfile or not.

#[path = "fuzz/vocabulary.rs"]
mod vocabulary;

use std::time::{Duration, Instant};

use notes_dockerfile::{Dockerfile, Escape, Ignore, Span, Stars, Statement, Wildcard, Word, lint};
use proptest::prelude::*;
use vocabulary::WORDS;

fn nearly_right() -> impl Strategy<Value = String> {
    // A text of several lines says more than a long one.
    let piece = prop_oneof![15 => prop::sample::select(WORDS), 1 => Just("\n")];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        nearly_right(),
        nearly_right().prop_map(|text| format!("FROM debian\n{text}")),
        any::<String>(),
    ]
}

fn on_borders(span: Span, source: &str) -> bool {
    span.start <= span.end && source.get(span.start..span.end).is_some()
}

/// Everything outside of statements is white space, comments and directives: nothing was passed over.
fn is_lossless(file: &Dockerfile) -> bool {
    let statements = file.stages.iter().flat_map(|stage| {
        Some(stage.span).into_iter().chain(stage.statements.iter().map(|statement| statement.span))
    });
    let spans = file.arguments.iter().map(|argument| argument.span).chain(statements);
    let mut end = 0;
    let mut between = String::new();
    for span in spans {
        if !on_borders(span, &file.source) || span.start < end {
            return false;
        }
        between.push_str(&file.source[end..span.start]);
        between.push('\n');
        end = span.end;
    }
    between.push_str(&file.source[end..]);
    // A continuation that joins nothing is an escape character alone.
    let blank = |line: &str| {
        line.chars().all(|character| character.is_whitespace() || "\\`".contains(character))
    };
    let between = between.trim_start_matches('\u{feff}');
    between.lines().all(|line| blank(line) || line.trim_start().starts_with('#'))
}

proptest! {
    #[test]
    fn parsing_ends_and_loses_nothing(source in any_text()) {
        match Dockerfile::parse(&source) {
            Ok(file) => {
                prop_assert!(is_lossless(&file), "{source:?}");
                for statement in file.stages.iter().flat_map(|stage| &stage.statements) {
                    let span = statement.keyword.span;
                    prop_assert_eq!(span.text(&source), &statement.keyword.value);
                    for word in statement.instruction.words() {
                        prop_assert!(on_borders(word.span(), &source));
                        prop_assert!(statement.span.contains(word.span()));
                        let _ = word.expand(&|name: &str| Some(name.to_owned()));
                    }
                }
                lint::check(&file, &lint::Options::default());
            }
            Err(error) => {
                prop_assert!(on_borders(error.span, &source), "{error:?}");
                prop_assert!(error.render("Dockerfile").lines().count() <= 6);
            }
        }
    }

    #[test]
    fn a_statement_parsed_alone_says_the_same(line in nearly_right()) {
        let source = format!("FROM debian\nONBUILD {line}");
        if let Ok(file) = Dockerfile::parse(&source)
            && let [statement] = &file.stages[0].statements[..]
            && let notes_dockerfile::Instruction::Onbuild(onbuild) = &statement.instruction
        {
            let again = Statement::parse_trigger(&onbuild.text);
            let again = again.map(|again| again.original);
            prop_assert_eq!(again.as_deref(), Ok(onbuild.trigger.original.trim_end()), "{}", onbuild.text);
        }
    }

    #[test]
    fn expansion_ends(raw in any_text(), value in any::<String>(), backtick in any::<bool>()) {
        let escape = if backtick { Escape::Backtick } else { Escape::Backslash };
        let word = Word::new(raw.as_str(), escape, Span::new(0, raw.len()));
        match word.expand_fully(&|_: &str| Some(value.clone())) {
            Ok(expanded) if word.is_literal() => prop_assert_eq!(expanded.text, raw),
            Ok(_) => {}
            Err(error) => prop_assert!(on_borders(error.span, &raw)),
        }
    }

    #[test]
    fn quoted_text_expands_to_itself(text in "[^']*") {
        let word = Word::new(format!("'{text}'"), Escape::Backslash, Span::default());
        prop_assert_eq!(word.expand(&|_: &str| None), Ok(text));
    }

    #[test]
    fn patterns_match_what_they_literally_name(path in "[a-zé./_-]{0,20}", pattern in any_text()) {
        for stars in [Stars::Single, Stars::Double] {
            prop_assert!(Wildcard::parse(&path, stars).expect("nothing is special").matches(&path));
            if let Ok(wildcard) = Wildcard::parse(&pattern, stars) {
                prop_assert!(wildcard.matches_or_covers(&path) || !wildcard.matches(&path));
            }
        }
        if let Ok(ignore) = Ignore::parse(&pattern) {
            ignore.excludes(&path);
            ignore.may_include_below(&path);
        }
    }
}

/// The texts that make a careless parser quadratic, ten megabytes each in a release build and half of one in a debug build.
#[test]
fn nonsense_is_refused_or_parsed_in_linear_time() {
    let size = if cfg!(debug_assertions) { 500_000 } else { 10_000_000 };
    let lots = |piece: &str| piece.repeat(size / piece.len());
    let cases = [
        ("one word", lots("x")),
        ("unknown flags", format!("FROM a\nRUN {} x", lots("--x "))),
        ("mounts", format!("FROM a\nRUN {} x", lots("--mount=target=/x "))),
        ("mount options", format!("FROM a\nRUN --mount={} x", lots("a,"))),
        ("continuations", format!("FROM a\nRUN {}", lots("\\\n"))),
        ("joined lines", format!("FROM a\nRUN {}", lots("a \\\n"))),
        ("blank continuations", format!("FROM a\nRUN a \\\n{}", lots("\n"))),
        ("comments", format!("FROM a\n{}", lots("# c\n"))),
        ("comments inside", format!("FROM a\nRUN a \\\n{}", lots("# c\n"))),
        ("blank lines", lots("\n")),
        ("line ends", lots("\r")),
        ("instructions", format!("FROM a\n{}", lots("RUN x\n"))),
        ("pairs", format!("FROM a\nENV {}", lots("a=b "))),
        ("paths", format!("FROM a\nCOPY {}", lots("a "))),
        ("quotes", format!("FROM a\nENV a={}", lots("\""))),
        ("triggers", format!("FROM a\n{}", lots("ONBUILD "))),
        ("brackets", format!("FROM a\nCMD {}", lots("["))),
        ("strings", format!("FROM a\nCMD [{}\"a\"]", lots("\"a\","))),
        ("broken strings", format!("FROM a\nCMD [{}", lots("\"a\","))),
        ("heredoc words", format!("FROM a\nRUN {}", lots("<<A "))),
        ("heredocs", format!("FROM a\n{}", lots("RUN <<A\nA\n"))),
        ("open heredoc", format!("FROM a\nRUN <<A\n{}", lots("a\n"))),
        ("angles", format!("FROM a\nRUN {}", lots("<"))),
        ("stages", lots("FROM a\n")),
        ("directives", lots("# x=y\n")),
        ("check", format!("# check={}\nFROM a", lots("skip=a;"))),
    ];
    for (name, source) in cases {
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
    let size = if cfg!(debug_assertions) { 500_000 } else { 10_000_000 };
    let lots = |piece: &str| piece.repeat(size / piece.len());
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

/// The time that this thread has worked, so that a busy machine does not matter: Linux counts it in nanoseconds as the first number
/// of `schedstat` (proc(5)). Elsewhere the time on the wall has to do.
struct Clock {
    wall: Instant,
    worked: Option<u64>,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), worked: Self::worked() }
    }

    fn elapsed(&self) -> Duration {
        match self.worked.zip(Self::worked()) {
            Some((before, after)) => Duration::from_nanos(after - before),
            None => self.wall.elapsed(),
        }
    }

    fn worked() -> Option<u64> {
        let counters = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        counters.split(' ').next()?.parse().ok()
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
