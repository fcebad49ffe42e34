//! The files of a commit.

use std::{
    fs,
    io::Read,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use notes_gitinfo::{Kind, Repository, Tree, TreeError};
use notes_testkit::TestRepo;

fn tree(fixture: &TestRepo) -> Tree {
    let repository = Repository::discover(fixture.path()).unwrap();
    let revision = repository.revision("HEAD").unwrap();
    repository.tree(&revision).unwrap()
}

#[test]
fn entries_are_sorted_and_have_the_modes_git_keeps() {
    let Some(fixture) = TestRepo::new("entries_are_sorted_and_have_the_modes_git_keeps") else {
        return;
    };
    // Git itself sorts `a` after `a-b` and `a.txt`, as if it were `a/`.
    for path in ["a/z.txt", "a.txt", "a-b", "sub/deep/x"] {
        fixture.write(path, path);
    }
    let script = fixture.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o775)).unwrap();
    symlink("run.sh", fixture.path().join("link")).unwrap();
    fixture.commit("One");
    let tree = tree(&fixture);
    let listed: Vec<_> = tree
        .walk(Path::new(""))
        .unwrap()
        .into_iter()
        .map(|entry| format!("{:?} {}", entry.kind, entry.path.display()))
        .collect();
    insta::assert_debug_snapshot!(listed, @r#"
    [
        "Directory a",
        "File a/z.txt",
        "File a-b",
        "File a.txt",
        "Symlink link",
        "Executable run.sh",
        "Directory sub",
        "Directory sub/deep",
        "File sub/deep/x",
    ]
    "#);

    let link = tree.entry("link".as_ref()).unwrap().unwrap();
    assert_eq!((link.kind, tree.read(&link).unwrap().as_slice()), (Kind::Symlink, &b"run.sh"[..]));
    assert_eq!(tree.size(&tree.entry("a/z.txt".as_ref()).unwrap().unwrap()).unwrap(), 7);
    assert_eq!(tree.entry("a/missing".as_ref()).unwrap(), None);
    assert_eq!(tree.entry("a.txt/below".as_ref()).unwrap(), None);
    let error = tree.children("a.txt".as_ref()).unwrap_err();
    assert_eq!(error.to_string(), "`a.txt` is not a directory of the commit");
}

#[test]
fn equal_content_has_an_equal_id() {
    let Some(fixture) = TestRepo::new("equal_content_has_an_equal_id") else { return };
    for path in ["one", "two", "three/one", "four/one"] {
        fixture.write(path, "same");
    }
    fixture.commit("One");
    let tree = tree(&fixture);
    let id = |path: &str| tree.entry(path.as_ref()).unwrap().unwrap().id;
    assert_eq!(id("one"), id("two"));
    assert_eq!(id("three"), id("four"));
}

#[test]
fn a_submodule_is_named_when_its_files_are_asked_for() {
    let Some(library) = TestRepo::new("a_submodule_is_named_when_its_files_are_asked_for") else {
        return;
    };
    library.write("lib.py", "");
    library.commit("One");
    let Some(fixture) = TestRepo::new("a_submodule_is_named_when_its_files_are_asked_for") else {
        return;
    };
    let from = library.path().to_str().unwrap();
    fixture.git(&["submodule", "--quiet", "add", from, "vendor/lib"]);
    fixture.commit("One");
    let tree = tree(&fixture);
    let entry = tree.entry("vendor/lib".as_ref()).unwrap().unwrap();
    assert_eq!(entry.kind, Kind::Submodule);
    let error = tree.children("vendor/lib".as_ref()).unwrap_err();
    assert_eq!(error.to_string(), "`vendor/lib` is a submodule, whose files are not in the commit");
    assert!(error.hint().is_some());
}

#[test]
fn what_git_lfs_keeps_is_read_where_it_was_fetched_to() {
    let Some(fixture) = TestRepo::new("what_git_lfs_keeps_is_read_where_it_was_fetched_to") else {
        return;
    };
    let oid = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n");
    fixture.write("model.bin", pointer);
    fixture.commit("One");
    let tree = tree(&fixture);
    let entry = tree.entry("model.bin".as_ref()).unwrap().unwrap();
    assert_eq!(tree.size(&entry).unwrap(), 5);
    let Err(error) = tree.open(&entry) else { panic!("nothing was fetched yet") };
    assert!(matches!(error, TreeError::NotFetched { .. }), "{error}");

    fixture.write(format!(".git/lfs/objects/2c/f2/{oid}"), "hello");
    let mut content = String::new();
    tree.open(&entry).unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "hello");
}

#[test]
fn a_name_that_leads_elsewhere_is_an_error() {
    let Some(fixture) = TestRepo::new("a_name_that_leads_elsewhere_is_an_error") else { return };
    fixture.write("file", "");
    let commit = fixture.commit("One");
    let blob = fixture.git(&["rev-parse", &format!("{commit}:file")]);
    let byte = |at: usize| u8::from_str_radix(&blob[at..at + 2], 16).unwrap();
    let id: Vec<u8> = (0..blob.len()).step_by(2).map(byte).collect();
    for name in ["..", ".", "a/b"] {
        let raw = [format!("100644 {name}\0").as_bytes(), &id].concat();
        let raw = fixture.write("raw", raw);
        let raw = raw.to_str().unwrap();
        let tree = fixture.git(&["hash-object", "-t", "tree", "-w", "--literally", raw]);
        let commit = fixture.git(&["commit-tree", "-m", "Two", &tree]);
        let repository = Repository::discover(fixture.path()).unwrap();
        let revision = repository.revision(&commit).unwrap();
        let error = repository.tree(&revision).unwrap_err();
        assert!(matches!(error, TreeError::Object { .. }), "{name}: {error}");
    }
}
