//! The fixtures, each beside what `BuildKit` made of it.

use std::fs;
use std::path::Path;

use notes_dockerfile::Dockerfile;
use serde_json::{Value, json};

use crate::shape;

/// Where a folder has a `difference.md`, that says why we differ; where it has none, we do not.
#[test]
fn fixtures_read_as_in_buildkit_or_say_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut wrong = Vec::new();
    for folder in fs::read_dir(root).expect("the fixtures are there") {
        let folder = folder.expect("the folder can be read").path();
        if !folder.is_dir() {
            continue;
        }
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let source = read("Dockerfile").expect("a fixture has a Dockerfile");
        let Some(theirs) = read("buildkit.json") else {
            panic!("{}: no buildkit.json", folder.display());
        };
        let theirs: Value = serde_json::from_str(&theirs).expect("the Go program writes JSON");
        let differences = differences(&source, &theirs);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        match (differences.is_empty(), read("difference.md")) {
            (false, None) => wrong.push(format!("{name}: {}", differences.join("\n    "))),
            (true, Some(_)) => wrong.push(format!("{name}: does not differ as it says")),
            (false, Some(_)) | (true, None) => {}
        }
    }
    assert!(wrong.is_empty(), "{} fixtures:\n{}", wrong.len(), wrong.join("\n"));
}

fn differences(source: &str, theirs: &Value) -> Vec<String> {
    // BuildKit reads mounts and some values only when it comes to the instruction.
    let later = theirs["refused"] != "" || mounts_are_wrong(theirs);
    let file = match (Dockerfile::parse(source), theirs["error"].as_str()) {
        (Ok(file), None) => file,
        (Err(_), Some(_)) => return Vec::new(),
        (Ok(_), Some(error)) => return vec![format!("theirs: {error}")],
        (Err(_), None) if later => return Vec::new(),
        (Err(error), None) => return vec![format!("ours: {error}")],
    };
    let mut ours = shape::describe(&file);
    ours["findings"] = json!(shape::findings(&file));
    ["escape", "syntax", "arguments", "stages", "findings"]
        .into_iter()
        // What stops BuildKit before it has seen every stage hides the findings below. Mounts with variables cannot be read by
        // the Go program, which knows no values.
        .filter(|part| !(*part == "findings" && theirs["refused"] != ""))
        .filter(|part| !(*part == "stages" && mounts_are_wrong(theirs)))
        .filter(|part| ours[*part] != theirs[*part])
        .map(|part| format!("{part}\n    {}\n    {}", ours[part], theirs[part]))
        .collect()
}

fn mounts_are_wrong(theirs: &Value) -> bool {
    theirs["stages"].to_string().contains(r#""mounts":"error""#)
}
