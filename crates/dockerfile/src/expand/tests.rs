use super::*;

fn word(raw: &str) -> Word {
    Word::new(raw, Escape::Backslash, Span::new(0, raw.len()))
}

fn variables() -> BTreeMap<String, String> {
    let pairs = [
        ("set", "value"),
        ("empty", ""),
        ("two", "a b"),
        ("path", "/usr/local/bin/app.tar.gz"),
        ("version", "1.2.3"),
        ("1", "one"),
        ("star", "a*b*c"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[track_caller]
fn expands(raw: &str, expected: &str) {
    assert_eq!(word(raw).expand(&variables()).as_deref(), Ok(expected), "{raw}");
}

#[track_caller]
fn fails(raw: &str, message: &str) {
    let error = word(raw).expand(&variables()).expect_err(raw);
    assert_eq!(error.to_string(), message, "{raw}");
}

#[test]
fn quotes_and_escapes_are_removed() {
    for (raw, expected) in [
        ("plain", "plain"),
        ("'a $set \\n'", "a $set \\n"),
        ("\"a $set\"", "a value"),
        ("\"a \\n \\\" \\$set \\\\\"", "a \\n \" $set \\"),
        ("\\$set", "$set"),
        ("\\a\\'b", "a'b"),
        ("a\\", "a"),
        ("a'b'\"c\"d", "abcd"),
    ] {
        expands(raw, expected);
    }
    fails("'a", "a single quote is not closed");
    fails("x\"a", "a double quote is not closed");
}

#[test]
fn names_end_where_the_shell_ends_them() {
    for (raw, expected) in [
        ("$set/x", "value/x"),
        ("${set}x", "valuex"),
        ("$setx", ""),
        ("$1x", "onex"),
        ("$12", ""),
        ("$", "$"),
        ("$/a", "$/a"),
        ("a$.b", "a$.b"),
        ("$@x", "x"),
        ("$unset", ""),
        ("${é}", ""),
    ] {
        expands(raw, expected);
    }
}

#[test]
fn modifiers_follow_the_table() {
    for (raw, expected) in [
        ("${unset:-w}", "w"),
        ("${unset-w}", "w"),
        ("${empty:-w}", "w"),
        ("${empty-w}", ""),
        ("${set:-w}", "value"),
        ("${set-w}", "value"),
        ("${unset:+w}", ""),
        ("${unset+w}", ""),
        ("${empty:+w}", ""),
        ("${empty+w}", "w"),
        ("${set:+w}", "w"),
        ("${set+w}", "w"),
        ("${set:?e}", "value"),
        ("${set?e}", "value"),
        ("${empty?e}", ""),
        ("${unset:-${empty:-$set}}", "value"),
        ("${unset:-'}'\"}\"\\}}", "}}}"),
        ("\"${unset:-\"quoted\"}\"", "quoted"),
    ] {
        expands(raw, expected);
    }
    fails("${unset:?}", "unset: is not allowed to be unset");
    fails("${unset?}", "unset: is not allowed to be unset");
    fails("${empty:?}", "empty: is not allowed to be empty");
    fails("${empty:?say $set}", "empty: say value");
}

#[test]
fn patterns_trim_and_replace() {
    for (raw, expected) in [
        ("${path#*/}", "usr/local/bin/app.tar.gz"),
        ("${path##*/}", "app.tar.gz"),
        ("${path%.*}", "/usr/local/bin/app.tar"),
        ("${path%%.*}", "/usr/local/bin/app"),
        ("${path%/*}", "/usr/local/bin"),
        ("${version#?.}", "2.3"),
        ("${version#x}", "1.2.3"),
        ("${unset#x}", ""),
        ("${version/./-}", "1-2.3"),
        ("${version//./-}", "1-2-3"),
        ("${path//\\//_}", "_usr_local_bin_app.tar.gz"),
        ("${path/bin*/x}", "/usr/local/x"),
        ("${star//\\*/+}", "a+b+c"),
        ("${version/2/$set}", "1.value.3"),
        ("${version/2/}", "1..3"),
        ("${version//*/x}", "x"),
        ("${version%$unset}", "1.2.3"),
    ] {
        expands(raw, expected);
    }
}

#[test]
fn what_is_not_understood_is_an_error() {
    for (raw, message) in [
        ("${}", "`${` is not followed by a name"),
        ("${:x}", "`${` is not followed by a name"),
        ("${{a}", "`${` is not followed by a name"),
        ("${", "`${` is not closed"),
        ("${set", "`${` is not closed"),
        ("${set:", "`${` is not closed"),
        ("${set:-x", "`${` is not closed"),
        ("${set^}", "`^` is no modifier of a variable"),
        ("${set:#p}", "`:#` is no modifier of a variable"),
        ("${set:0:1}", "`:0` is no modifier of a variable"),
        ("${set/x}", "the pattern in `${set/…}` is not ended by a `/`"),
        ("${set#\\a}", "`\\a` is no escape in a pattern"),
    ] {
        fails(raw, message);
    }
    fails(&"${a:-".repeat(1_000_000), "variables are nested more than 100 deep");
}

#[test]
fn the_error_points_into_the_word() {
    let word = Word::new("/app/${x^}", Escape::Backslash, Span::new(10, 20));
    assert_eq!(word.expand(&variables()).unwrap_err().span, Span::new(15, 20));
}

#[test]
fn the_backtick_takes_the_part_of_the_backslash() {
    let word = Word::new("C:\\x`$set", Escape::Backtick, Span::default());
    assert_eq!(word.expand(&variables()).unwrap(), "C:\\x$set");
}

#[test]
fn values_split_into_fields_and_quoted_text_does_not() {
    let fields = |raw: &str| word(raw).expand_fields(&variables()).unwrap();
    assert_eq!(fields("$two"), ["a", "b"]);
    assert_eq!(fields("x$two"), ["xa", "b"]);
    assert_eq!(fields("\"$two\""), ["a b"]);
    assert_eq!(fields("$unset"), Vec::<String>::new());
}

#[test]
fn unset_variables_are_told_unless_a_default_stands_in() {
    let unset = |raw: &str| word(raw).expand_fully(&variables()).unwrap().unset;
    assert_eq!(unset("$set $nope ${never}"), ["nope", "never"]);
    assert_eq!(unset("${nope:-x}${nope+x}"), Vec::<String>::new());
    assert_eq!(unset("${set:-$nope}"), Vec::<String>::new());
    assert_eq!(unset("${empty:-$nope}"), ["nope"]);
}

#[test]
fn a_value_cannot_fill_the_memory() {
    let long = |_: &str| Some("x".repeat(1 << 20));
    assert_eq!(word("$a").expand(&long).map(|text| text.len()), Ok(1 << 20));
    for raw in
        ["$a".repeat(20), format!("\"{}\"", "$a".repeat(20)), format!("${{b+{}}}", "$a".repeat(20))]
    {
        let error = word(&raw).expand(&long).expect_err("it is too long");
        assert_eq!(error.to_string(), "the value is longer than 16 MiB");
    }
    let error = word("${a//x/$a}").expand(&long).expect_err("it is too long");
    assert_eq!(error.reason, ExpandReason::Size);
}

#[test]
fn a_pattern_cannot_take_for_ever() {
    let long = |_: &str| Some("b".repeat(1 << 20));
    assert_eq!(word("${a##*b}").expand(&long).as_deref(), Ok(""));
    let error = word("${a//*a*a/}").expand(&long).expect_err("it takes the square");
    assert_eq!(error.to_string(), "putting in variables takes too long here");
}
