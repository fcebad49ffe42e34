//! The checklist in the crate's documentation names only what exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const CHECKLIST: &str = include_str!("../src/docs/checklist.md");

/// Returns what stands in backticks in the last column of the tables.
fn named() -> BTreeSet<String> {
    let rows = CHECKLIST.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_row_names_fixtures_and_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join("src")) + &sources(&root.join("tests"));
    let mut missing = Vec::new();
    for name in named() {
        let exists = match name.strip_suffix("()") {
            Some(test) => sources.contains(&format!("fn {test}(")),
            None => root.join("tests/fixtures").join(&name).join("Dockerfile").is_file(),
        };
        if !exists {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(named().len() > 100, "the table was read");
}

#[test]
fn every_difference_from_buildkit_is_in_the_checklist() {
    let named = named();
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"));
    for folder in folders.expect("the fixtures are there") {
        let folder = folder.expect("a folder").path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rule = name.starts_with("rule-");
        if folder.join("difference.md").exists() {
            assert!(rule || named.contains(&name), "{name} differs and is not in the checklist");
        }
    }
}

fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("fixtures") {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
    text
}
