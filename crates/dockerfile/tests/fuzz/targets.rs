//! What must hold for every text. A target panics where it does not.

use std::collections::BTreeMap;

use notes_dockerfile::{
    Command, CopySource, Dockerfile, Escape, Ignore, Instruction, Lines, PieceKind, Span, Stars,
    Statement, Wildcard, Word, lint,
};

use super::model;

/// A name, and what must hold.
pub(crate) type Target = (&'static str, fn(&str));

pub(crate) const TARGETS: [Target; 6] = [
    ("parse", parse),
    ("expand", expand),
    ("ignore", ignore),
    ("wildcard", wildcard),
    ("json", json),
    ("heredoc", heredoc),
];

fn on_borders(span: Span, source: &str) -> bool {
    span.start <= span.end && source.get(span.start..span.end).is_some()
}

/// Every text is a tree or an error, and says where everything is.
fn parse(source: &str) {
    let file = match Dockerfile::parse(source) {
        Ok(file) => file,
        Err(error) => {
            assert!(on_borders(error.span, source), "{error:?}");
            assert!(error.render("Dockerfile").len() < 4_000, "the report is short");
            return;
        }
    };
    pieces(&file);
    for statement in file.stages.iter().flat_map(|stage| &stage.statements) {
        self::statement(statement, source);
    }
    let lines = Lines::of(source);
    for finding in lint::check(&file, &lint::Options::default()).findings {
        assert!(on_borders(finding.span, source), "{finding:?}");
        let line = source[..finding.span.start].matches('\n').count() + 1;
        assert_eq!(lines.position(finding.span.start).line, line);
    }
    // What was understood once is understood again, without what is not needed to understand it.
    let again = Dockerfile::parse(&file.source).expect("the source was right");
    assert_eq!(again, file);
}

fn pieces(file: &Dockerfile) {
    let pieces = file.pieces();
    let text: String = pieces.iter().map(|piece| piece.span.text(&file.source)).collect();
    assert_eq!(text, file.source, "the pieces are the source");
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].span.end, pair[1].span.start, "the pieces touch");
    }
    let of_kind = |kind| pieces.iter().filter(move |piece| piece.kind == kind);
    for piece in of_kind(PieceKind::Blank) {
        let blank = |character: char| character.is_whitespace() || "\\`".contains(character);
        assert!(piece.span.text(&file.source).chars().all(blank), "something was passed over");
    }
    let below = file.stages.iter().map(|stage| 1 + stage.statements.len());
    let count = file.arguments.len() + below.sum::<usize>();
    assert_eq!(of_kind(PieceKind::Instruction).count(), count);
}

fn statement(statement: &Statement, source: &str) {
    let keyword = statement.keyword.span.text(source);
    // A keyword too may be continued on the next line.
    if keyword.contains('\n') {
        assert!(keyword.len() > statement.keyword.value.len(), "{keyword:?}");
        assert_eq!(keyword.chars().next(), statement.keyword.value.chars().next());
        assert_eq!(keyword.chars().last(), statement.keyword.value.chars().last());
    } else {
        assert_eq!(keyword, statement.keyword.value);
    }
    for word in statement.instruction.words() {
        assert!(on_borders(word.span(), source), "{word:?}");
        assert!(statement.span.contains(word.span()), "{word:?}");
        let _ = word.expand(&|name: &str| Some(name.to_owned()));
    }
    if let Instruction::Onbuild(onbuild) = &statement.instruction
        && statement.keyword.span.text(source).is_ascii()
    {
        let again = Statement::parse_trigger(&onbuild.text);
        // Another escape character is not stored with the trigger, as in BuildKit.
        if let Ok(again) = again {
            assert_eq!(again.instruction.name(), onbuild.trigger.instruction.name());
        }
    }
}

/// Expansion ends, and what has nothing special in it stays.
fn expand(raw: &str) {
    let variables = BTreeMap::from([("a".to_owned(), raw.chars().take(40).collect::<String>())]);
    for escape in [Escape::Backslash, Escape::Backtick] {
        let word = Word::new(raw, escape, Span::new(0, raw.len()));
        match word.expand_fully(&variables) {
            Ok(expanded) => {
                assert!(!word.is_literal() || expanded.text == raw);
                let joined: String = expanded.fields.concat();
                let length = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
                assert_eq!(length(&joined), length(&expanded.text), "fields lose only blanks");
            }
            Err(error) => assert!(on_borders(error.span, raw), "{error:?}"),
        }
        let quoted = format!("'{}'", raw.replace('\'', ""));
        let word = Word::new(quoted.as_str(), escape, Span::default());
        assert_eq!(word.expand(&variables).as_deref(), Ok(&quoted[1..quoted.len() - 1]));
    }
}

/// The first line is a path, the others are an ignore file.
fn ignore(text: &str) {
    let (path, file) = text.split_once('\n').unwrap_or((text, "**/a\n!a/b\n"));
    let path: String = path.chars().filter(|c| !c.is_whitespace()).take(12).collect();
    let elements = path.split('/').filter(|element| !matches!(*element, "" | "." | ".."));
    let path = elements.collect::<Vec<_>>().join("/");
    let file: String = file.split_inclusive('\n').take(6).map(|line| shortened(line, 14)).collect();
    let ours = Ignore::parse(&file);
    if path.is_empty() {
        return;
    }
    let excluded = ours.as_ref().ok().map(|ignore| ignore.excludes(&path).is_some());
    assert_eq!(excluded, model::excludes(&file, &path), "{path:?} in {file:?}");
    let (Ok(ignore), Some((directory, _))) = (&ours, path.rsplit_once('/')) else { return };
    // A walk that does not enter what is excluded for good finds the same files.
    if ignore.excludes(directory).is_some() && !ignore.may_include_below(directory) {
        assert_eq!(excluded, Some(true), "{path:?} in {file:?}");
    }
}

fn shortened(line: &str, length: usize) -> String {
    let mut short: String = line.trim_end_matches('\n').chars().take(length).collect();
    short.push('\n');
    short
}

/// The first line is a pattern, the second a path.
fn wildcard(text: &str) {
    let mut lines = text.lines().map(|line| line.chars().take(16).collect::<String>());
    let (pattern, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let ours = Wildcard::parse(&pattern, Stars::Single).ok();
    let matched = ours.as_ref().map(|wildcard| wildcard.matches(&path));
    assert_eq!(matched, model::glob(&pattern, &path), "{pattern:?} {path:?}");
    let literal: String = path.chars().filter(|c| !"*?[\\".contains(*c)).collect();
    for stars in [Stars::Single, Stars::Double] {
        let same = Wildcard::parse(&literal, stars).expect("nothing is special");
        assert!(same.matches(&literal) && same.matches_or_covers(&format!("{literal}/x")));
    }
}

/// `CMD` takes exactly the arrays of strings that `serde_json` takes, and refuses other arrays.
fn json(text: &str) {
    let line = text.replace(['\n', '\r', '\\'], " ");
    let line = format!("[{}]", line.trim());
    let source = format!("FROM debian\nCMD {line}\n");
    let theirs: Option<Vec<serde_json::Value>> = serde_json::from_str(&line).ok();
    let strings = theirs.as_ref().and_then(|values| {
        values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    let command = Dockerfile::parse(&source).map(|file| file.stages[0].statements[0].clone());
    match (command.map(|statement| statement.instruction), theirs.is_some(), strings) {
        (Ok(Instruction::Cmd(Command::Exec(ours))), _, Some(theirs)) => assert_eq!(ours, theirs),
        (Ok(Instruction::Cmd(Command::Shell(shell))), false, _) => assert_eq!(shell, line),
        (Err(_), true, None) => {}
        other => panic!("{line:?} gave {other:?}"),
    }
}

/// A literal heredoc holds exactly what was put in.
fn heredoc(text: &str) {
    let body: String = text.split_inclusive('\n').filter(|line| line.trim() != "THE-END").collect();
    let body = if body.is_empty() || body.ends_with('\n') { body } else { body + "\n" };
    let source = format!("FROM debian\nCOPY <<'THE-END' /x\n{body}THE-END\nUSER me\n");
    let file = Dockerfile::parse(&source).expect("a heredoc holds every text");
    let [copy, user] = &file.stages[0].statements[..] else { panic!("{source:?}") };
    assert_eq!(user.original, "USER me");
    let Instruction::Copy(copy) = &copy.instruction else { panic!("{copy:?}") };
    let CopySource::Heredoc(heredoc) = &copy.sources[0] else { panic!("{copy:?}") };
    assert_eq!(heredoc.body, body);
    assert_eq!(heredoc.body_span.text(&source), body);
    assert_eq!(heredoc.expand(&|_: &str| None).as_deref(), Ok(body.as_str()));
}
