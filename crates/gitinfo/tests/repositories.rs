//! Every kind of repository a job meets: each works, or fails with one clear sentence.

use std::{fs, os::unix::fs::symlink, path::Path};

use notes_gitinfo::{OpenError, Repository, Revision, RevisionError, Trust, Worktree};
use notes_testkit::{ObjectFormat, TestRepo, skip};

/// A repository with one commit of a file.
fn committed(test: &str) -> Option<(TestRepo, String)> {
    let repository = TestRepo::new(test)?;
    repository.write("app.py", "print('hello')\n");
    let commit = repository.commit("Say hello\n\nAt length.");
    Some((repository, commit))
}

fn head(path: &Path) -> Revision {
    Repository::discover(path).unwrap().revision("HEAD").unwrap()
}

#[test]
fn a_commit_is_described() {
    let Some((fixture, commit)) = committed("a_commit_is_described") else { return };
    fixture.git(&["tag", "v1"]);
    fixture.git(&["tag", "--annotate", "--message", "Two", "v2"]);
    fixture.git(&["remote", "add", "origin", "https://token:secret@gitlab.com/Group/notes.git"]);
    let revision = head(fixture.path());
    assert_eq!(revision.commit.to_string(), commit);
    assert_eq!(revision.short, commit[..7]);
    insta::assert_debug_snapshot!(revision, @r#"
    Revision {
        commit: c1b3cb7c22c00308946ee93d2f6d4cd759d42b33,
        tree: 2c106ee6d1a7d894578b1544d10fb76e8db9ec9c,
        short: "c1b3cb7",
        branch: Some(
            "main",
        ),
        tags: [
            "v1",
            "v2",
        ],
        time: 2024-01-02T03:04:05Z,
        author: Person {
            name: "Ada",
            email: "ada@example.com",
        },
        subject: "Say hello",
        remote: Some(
            Remote(
                "https://gitlab.com/Group/notes",
            ),
        ),
    }
    "#);
}

#[test]
fn a_fixture_is_the_same_every_time() {
    let Some((_, first)) = committed("a_fixture_is_the_same_every_time") else { return };
    let Some((_, second)) = committed("a_fixture_is_the_same_every_time") else { return };
    assert_eq!(first, second);
}

#[test]
fn a_revision_is_found_by_branch_tag_and_beginning() {
    let Some((fixture, commit)) = committed("a_revision_is_found_by_branch_tag_and_beginning")
    else {
        return;
    };
    fixture.git(&["tag", "v1"]);
    fixture.commit("Another");
    let repository = Repository::discover(fixture.path()).unwrap();
    for name in ["main~1", "v1", &commit, &commit[..8]] {
        let revision = repository.revision(name).unwrap();
        assert_eq!(revision.commit.to_string(), commit, "{name}");
        assert_eq!(revision.branch, None, "the branch has moved on");
    }
    let error = repository.revision("nothing").unwrap_err();
    assert_eq!(error.to_string(), "`nothing` names no commit of this repository");
    let error = repository.revision("main:app.py").unwrap_err();
    assert_eq!(error.to_string(), "`main:app.py` is not a commit");
    let error = repository.revision(&"0".repeat(40)).unwrap_err();
    assert!(matches!(error, RevisionError::NotFound { shallow: false, .. }), "{error:?}");
}

#[test]
fn a_short_name_grows_until_it_is_the_only_one() {
    let Some(fixture) = TestRepo::new("a_short_name_grows_until_it_is_the_only_one") else {
        return;
    };
    // Enough objects that two of them begin with the same four digits.
    for number in 0..1500 {
        fixture.write(format!("{number}"), format!("{number}"));
    }
    fixture.commit("Many");
    let repository = Repository::discover(fixture.path()).unwrap();
    let ids: Vec<_> = {
        let tree = repository.tree(&repository.revision("HEAD").unwrap()).unwrap();
        tree.children("".as_ref()).unwrap().iter().map(|entry| entry.id).collect()
    };
    let longest = ids.iter().map(|id| repository.abbreviate(*id, 4).unwrap().len()).max().unwrap();
    assert!(longest > 4, "two of 1500 objects share four digits");
    assert_eq!(repository.abbreviate(ids[0], 12).unwrap(), ids[0].to_string()[..12]);
    assert_eq!(repository.abbreviate(ids[0], 99).unwrap(), ids[0].to_string());
}

#[test]
fn a_detached_head_has_no_branch() {
    let Some((fixture, commit)) = committed("a_detached_head_has_no_branch") else { return };
    fixture.git(&["checkout", "--quiet", "--detach"]);
    let revision = head(fixture.path());
    assert_eq!((revision.commit.to_string(), revision.branch), (commit, None));
}

#[test]
fn a_shallow_clone_has_its_commit_and_says_what_it_lacks() {
    let Some((fixture, first)) = committed("a_shallow_clone_has_its_commit_and_says_what_it_lacks")
    else {
        return;
    };
    let second = fixture.commit("Another");
    let clones = tempfile::tempdir().unwrap();
    let from = format!("file://{}", fixture.path().display());
    fixture.git_in(clones.path(), &["clone", "--quiet", "--depth=1", &from, "clone"]);
    let repository = Repository::discover(&clones.path().join("clone")).unwrap();
    assert!(repository.is_shallow());
    let revision = repository.revision("HEAD").unwrap();
    assert_eq!(revision.commit.to_string(), second);
    assert_eq!(revision.remote, None, "a path of this machine is nobody's address");
    assert_eq!(repository.worktree().unwrap(), Worktree::Clean);
    let error = repository.revision(&first).unwrap_err();
    assert!(error.hint().unwrap().contains("shallow"), "{error:?}");
}

#[test]
fn a_linked_worktree_has_its_own_head() {
    let Some((fixture, commit)) = committed("a_linked_worktree_has_its_own_head") else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let linked = elsewhere.path().join("linked");
    fixture.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    fixture.commit("Another on main");
    let repository = Repository::discover(&linked).unwrap();
    let revision = repository.revision("HEAD").unwrap();
    assert_eq!((revision.commit.to_string(), revision.branch.as_deref()), (commit, Some("side")));
    assert_eq!(repository.root(), Some(linked.as_path()));
    assert_eq!(repository.worktree().unwrap(), Worktree::Clean);
}

#[test]
fn packed_references_and_objects_are_read() {
    let Some((fixture, commit)) = committed("packed_references_and_objects_are_read") else {
        return;
    };
    fixture.git(&["tag", "--annotate", "--message", "One", "v1"]);
    fixture.git(&["gc", "--quiet"]);
    assert!(fixture.path().join(".git/packed-refs").exists());
    let revision = head(fixture.path());
    assert_eq!((revision.commit.to_string(), revision.tags), (commit, vec!["v1".to_owned()]));
    assert_eq!(revision.branch.as_deref(), Some("main"));
}

#[test]
fn sha256_repositories_are_read() {
    let test = "sha256_repositories_are_read";
    let Some(fixture) = TestRepo::with_format(test, ObjectFormat::Sha256) else { return };
    fixture.write("a/b.txt", "b");
    let commit = fixture.commit("One");
    let repository = Repository::discover(fixture.path()).unwrap();
    let revision = repository.revision("HEAD").unwrap();
    assert_eq!((revision.commit.to_string(), revision.commit.to_string().len()), (commit, 64));
    let tree = repository.tree(&revision).unwrap();
    let entry = tree.entry("a/b.txt".as_ref()).unwrap().unwrap();
    assert_eq!(tree.read(&entry).unwrap(), b"b");
    assert_eq!(repository.worktree().unwrap(), Worktree::Clean);
}

#[test]
fn a_repository_of_somebody_else_is_read_but_not_obeyed() {
    let test = "a_repository_of_somebody_else_is_read_but_not_obeyed";
    let Some((fixture, commit)) = committed(test) else { return };
    fixture.git(&["remote", "add", "origin", "git@gitlab.com:group/notes.git"]);
    if fixture_is_given_away(fixture.path()).is_err() {
        return skip(test, "only root can give files to another user");
    }
    let repository = Repository::discover(fixture.path()).unwrap();
    assert_eq!(repository.trust(), Trust::Reduced);
    let revision = repository.revision("HEAD").unwrap();
    assert_eq!(revision.commit.to_string(), commit);
    assert_eq!(
        revision.remote.unwrap().as_str(),
        "https://gitlab.com/group/notes",
        "labels do not depend on who owns a checkout"
    );
    assert_eq!(repository.worktree().unwrap(), Worktree::Clean);
}

fn fixture_is_given_away(path: &Path) -> std::io::Result<()> {
    const NOBODY: u32 = 65_534;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fixture_is_given_away(&entry.path())?;
        }
        std::os::unix::fs::lchown(entry.path(), Some(NOBODY), Some(NOBODY))?;
    }
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY))
}

#[test]
fn an_unborn_head_is_one_clear_sentence() {
    let Some(fixture) = TestRepo::new("an_unborn_head_is_one_clear_sentence") else { return };
    let repository = Repository::discover(fixture.path()).unwrap();
    let error = repository.revision("HEAD").unwrap_err();
    assert_eq!(error.to_string(), "the branch `main` has no commit yet");
    assert_eq!(error.hint().unwrap(), "commit something first");
}

#[test]
fn a_bare_repository_has_a_tree_and_no_working_directory() {
    let test = "a_bare_repository_has_a_tree_and_no_working_directory";
    let Some((fixture, commit)) = committed(test) else { return };
    let clones = tempfile::tempdir().unwrap();
    let from = fixture.path().to_str().unwrap();
    fixture.git_in(clones.path(), &["clone", "--quiet", "--bare", from, "bare.git"]);
    let repository = Repository::discover(&clones.path().join("bare.git")).unwrap();
    assert_eq!(repository.root(), None);
    assert_eq!(repository.worktree().unwrap(), Worktree::Bare);
    let revision = repository.revision("HEAD").unwrap();
    assert_eq!(revision.commit.to_string(), commit);
    assert!(repository.tree(&revision).unwrap().entry("app.py".as_ref()).unwrap().is_some());
}

#[test]
fn no_repository_is_one_clear_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let error = Repository::discover(directory.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{}` is not in a git repository", directory.path().display())
    );
    assert!(error.hint().is_some());
    let error = Repository::discover(&directory.path().join("missing")).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. } | OpenError::Open { .. }));
}

#[test]
fn a_subdirectory_finds_its_repository() {
    let Some(fixture) = TestRepo::new("a_subdirectory_finds_its_repository") else { return };
    fixture.write("examples/app/main.py", "");
    let commit = fixture.commit("One");
    let inside = fixture.path().join("examples/app");
    let repository = Repository::discover(&inside).unwrap();
    assert_eq!(repository.root(), Some(fixture.path()));
    assert_eq!(head(&inside).commit.to_string(), commit);
}

#[test]
fn what_is_not_committed_is_counted_once() {
    let Some(fixture) = TestRepo::new("what_is_not_committed_is_counted_once") else { return };
    for name in ["modified", "staged", "twice", "deleted", "same"] {
        fixture.write(name, name);
    }
    fixture.write(".gitignore", "ignored\n");
    fixture.commit("One");
    fixture.write("modified", "longer than before");
    fixture.write("staged", "longer than before");
    fixture.write("twice", "longer than before");
    fixture.git(&["add", "staged", "twice"]);
    fixture.write("twice", "and once more");
    fs::remove_file(fixture.path().join("deleted")).unwrap();
    fixture.write("added", "");
    fixture.git(&["add", "added"]);
    fixture.write("ignored", "");
    fixture.write("new/untracked", "");
    symlink("nowhere", fixture.path().join("new/link")).unwrap();
    let Worktree::Dirty(changes) =
        Repository::discover(fixture.path()).unwrap().worktree().unwrap()
    else {
        panic!("the working directory differs")
    };
    insta::assert_debug_snapshot!(changes, @r#"
    Changes {
        modified: [
            "modified",
            "staged",
            "twice",
        ],
        added: [
            "added",
        ],
        deleted: [
            "deleted",
        ],
        untracked: [
            "new/link",
            "new/untracked",
        ],
    }
    "#);
    insta::assert_snapshot!(changes, @r"3 modified, 1 added, 1 deleted and 2 untracked (added, deleted, modified, …)");
}
