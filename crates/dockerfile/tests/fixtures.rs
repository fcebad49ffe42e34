//! Every folder of `tests/fixtures` is a case: a `Dockerfile`, perhaps a `.dockerignore`, and `tree.snap`, which holds what
//! the parser makes of it and what the rules say. Adding a case is adding a folder (`INSTA_UPDATE=always` writes the
//! snapshot).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use notes_dockerfile::{Dockerfile, Ignore, Severity, lint};

#[test]
fn every_fixture_reads_as_its_snapshot_says() {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))
            .expect("the fixtures are there")
            .map(|entry| entry.expect("the folder can be read").path())
            .filter(|path| path.is_dir())
            .collect();
    folders.sort();
    assert!(folders.len() > 200, "only {} fixtures", folders.len());
    for folder in folders {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("tree", describe(&folder)));
    }
}

fn describe(folder: &Path) -> String {
    let source = fs::read_to_string(folder.join("Dockerfile")).expect("a fixture has a Dockerfile");
    match Dockerfile::parse(&source) {
        Err(error) => error.render("Dockerfile"),
        Ok(file) => tree(&file) + &findings(&file, folder),
    }
}

/// The tree in the form of `Debug`, without what is absent or empty.
fn tree(file: &Dockerfile) -> String {
    let mut text = String::new();
    for (name, part) in [
        ("directives", format!("{:#?}", file.directives)),
        ("arguments", format!("{:#?}", file.arguments)),
        ("stages", format!("{:#?}", file.stages)),
        ("remarks", format!("{:#?}", file.remarks)),
    ] {
        if part != "[]" {
            writeln!(text, "{name}: {part}").expect("a string can be written to");
        }
    }
    let absent = |line: &&str| !line.ends_with(": None,") && !line.ends_with(": [],");
    text.split_inclusive('\n').filter(|line| absent(&line.trim_end())).collect()
}

fn findings(file: &Dockerfile, folder: &Path) -> String {
    let ignore = fs::read_to_string(folder.join(".dockerignore")).ok();
    let ignore =
        ignore.map(|text| Ignore::parse(&text).expect("the ignore file of a fixture is good"));
    let options = lint::Options { ignore, bases: bases(folder), ..lint::Options::default() };
    let report = lint::check(file, &options);
    let render =
        |finding: &lint::Finding| finding.render(Severity::Warning, "Dockerfile", &file.source);
    report.findings.iter().flat_map(|finding| ["\n".to_owned(), render(finding)]).collect()
}

/// The file `base-platform` says what the image of the first stage is for.
fn bases(folder: &Path) -> BTreeMap<usize, lint::Base> {
    let platform = fs::read_to_string(folder.join("base-platform")).ok();
    let base = platform.map(|platform| lint::Base {
        platform: platform.trim().to_owned(),
        wanted: "linux/amd64".to_owned(),
        ..lint::Base::default()
    });
    base.into_iter().map(|base| (0, base)).collect()
}

/// Every rule has a folder in which it fires and one in which nothing does.
#[test]
fn every_rule_has_a_bad_and_a_good_example() {
    for rule in lint::RULES {
        let fires = |folder: String| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
            let source = fs::read_to_string(folder.join("Dockerfile")).expect("an example");
            let file = Dockerfile::parse(&source).expect("an example is right");
            findings(&file, &folder).contains(&format!("({})", rule.name))
        };
        assert!(fires(format!("rule-{}", rule.name)), "{} fires", rule.name);
        assert!(!fires(format!("rule-{}-not", rule.name)), "{} keeps quiet", rule.name);
    }
    assert_eq!(lint::RULES.len(), 22, "`docker build --check` has 22 rules");
}
