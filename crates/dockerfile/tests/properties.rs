//! What holds for every text, Dockerfile or not.

#[path = "fuzz/vocabulary.rs"]
mod vocabulary;

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
