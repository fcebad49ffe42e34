//! One folder a case: `Dockerfile`, perhaps `context/` and `build.toml`, and what is expected of it in `expected.snap`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use notes_image::tree::{Entry, Kind, Tree};
use notes_oci::Digest;
use serde::Deserialize;
use serde_json::json;

use crate::world::{Built, World, skipped};

/// What is to become of a case.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Expected {
    #[default]
    Image,
    Error,
}

/// A case's `build.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Settings {
    target: Option<String>,
    build_args: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    expect: Expected,
}

#[test]
fn every_fixture_gives_what_is_expected() {
    let test = "every_fixture_gives_what_is_expected";
    if !rustix::process::geteuid().is_root() {
        skipped::<()>(test, "only root has users to become");
        return;
    }
    let Some(mut world) = World::new(test) else { return };
    let base = lines(&*world.build("FROM base:1\n").tree());
    let mut failures = Vec::new();
    for case in cases() {
        match outcome(&mut world, &case, &base) {
            Ok(outcome) => {
                let mut settings = insta::Settings::clone_current();
                settings.set_snapshot_path(&case);
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.bind(|| insta::assert_snapshot!("expected", outcome));
            }
            Err(failure) => failures.push(format!("{}: {failure}", case.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Returns the folders of the cases, sorted.
fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.join("Dockerfile").exists()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "the fixtures are somewhere else");
    cases
}

/// Builds a case twice and describes the image or the error; fails where it is the other one, or the second not the first.
fn outcome(world: &mut World, case: &Path, base: &BTreeSet<String>) -> Result<String, String> {
    let dockerfile = fs::read_to_string(case.join("Dockerfile")).unwrap();
    let settings: Settings = match fs::read_to_string(case.join("build.toml")) {
        Ok(text) => {
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()))
        }
        Err(_) => Settings::default(),
    };
    let context = case.join("context");
    let context = if context.is_dir() { context } else { world.path("context") };
    world.ignore = fs::read_to_string(context.join(".dockerignore")).unwrap_or_default();
    world.options = BTreeMap::from([
        ("context", json!(context)),
        ("target", json!(settings.target)),
        ("arguments", json!(settings.build_args)),
        ("secrets", json!(settings.secrets)),
    ]);
    let (first, second) =
        (world.build_in("store", &dockerfile), world.build_in("store", &dockerfile));
    match (settings.expect, first, second) {
        (Expected::Image, Ok(first), Ok(second)) if first.name != second.name => {
            Err("the cache gives another image".into())
        }
        (Expected::Image, Ok(_), Ok(second)) if second.outcomes().contains(&"ran") => {
            Err(format!("a step ran again: {:?}", second.outcomes()))
        }
        (Expected::Image, Ok(first), Ok(_)) => Ok(describe(&first, base)),
        (Expected::Error, Err(report), _) => Ok(report),
        (Expected::Error, Ok(_), _) => Err("it builds".into()),
        (Expected::Image, Err(report), _) | (_, _, Err(report)) => Err(report),
    }
}

/// Returns what the image has that the base has not, its config and its history.
fn describe(built: &Built, base: &BTreeSet<String>) -> String {
    let mut text = String::new();
    let files = lines(&*built.tree());
    for line in files.difference(base) {
        writeln!(text, "{line}").unwrap();
    }
    let names = |lines: &BTreeSet<String>| -> BTreeSet<String> {
        lines.iter().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    };
    if built.image().layers().len() > 1 && names(&files).contains("/usr/bin/busybox") {
        for gone in names(base).difference(&names(&files)) {
            writeln!(text, "{gone} is gone").unwrap();
        }
    }
    let config = built.image().config();
    writeln!(text, "\n{}", serde_json::to_string_pretty(&config.config).unwrap()).unwrap();
    if let Some(author) = &config.author {
        writeln!(text, "author: {author}").unwrap();
    }
    writeln!(text, "\n{}", built.history().join("\n")).unwrap();
    let layers = config.history.iter().filter(|entry| !entry.empty_layer).count();
    assert_eq!(layers, built.image().layers().len(), "the history tells of other layers");
    text
}

/// Returns a line for each entry: path, type, mode, owner, and what it holds.
fn lines(tree: &dyn Tree) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut inodes = BTreeMap::new();
    walk(tree, Path::new(""), &mut inodes, &mut lines);
    lines
}

fn walk(
    tree: &dyn Tree,
    directory: &Path,
    inodes: &mut BTreeMap<(u64, u64), PathBuf>,
    lines: &mut BTreeSet<String>,
) {
    for (name, entry) in tree.children(directory).unwrap() {
        let path = directory.join(name);
        let Entry { mode, uid, gid, .. } = entry;
        let content = content(tree, &path, &entry);
        let link = entry.inode.map(|inode| inodes.entry(inode).or_insert_with(|| path.clone()));
        let link = match link {
            Some(first) if *first != path => format!(" = /{}", first.display()),
            _ => String::new(),
        };
        let xattrs: Vec<_> =
            entry.xattrs.keys().map(|name| format!(" +{}", name.display())).collect();
        let xattrs = xattrs.concat();
        lines.insert(format!("/{} {mode:o} {uid}:{gid} {content}{link}{xattrs}", path.display()));
        if entry.is_directory() {
            walk(tree, &path, inodes, lines);
        }
    }
}

fn content(tree: &dyn Tree, path: &Path, entry: &Entry) -> String {
    match &entry.kind {
        Kind::Directory => "directory".into(),
        Kind::Symlink(target) => format!("link to {}", target.display()),
        Kind::File(size) => {
            let mut bytes = Vec::new();
            tree.open(path).unwrap().read_to_end(&mut bytes).unwrap();
            let text = String::from_utf8(bytes.clone()).ok().filter(|text| text.len() <= 60);
            match text {
                Some(text) => format!("file {text:?}"),
                None => format!("file of {size}, {}", Digest::of(&bytes).short()),
            }
        }
        other => format!("{other:?}"),
    }
}
