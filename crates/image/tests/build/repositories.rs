//! `ADD` of git repositories, from a server in memory.

use serde_json::{Value, json};

use crate::world::World;

const ADDRESS: &str = "https://example.com/x/y.git";
const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";
const TAG: &str = "3333333333333333333333333333333333333333";

/// A repository with a branch at each of two commits and an annotated tag at the first.
fn repository() -> Value {
    json!({
        "head": "main",
        "names": {
            "refs/heads/main": SECOND, "refs/heads/old": FIRST, "refs/tags/v1": FIRST,
        },
        "tags": { "refs/tags/v1": TAG },
        "commits": {
            FIRST: { "a.txt": "1", "sub/b.txt": "1" },
            SECOND: { "a.txt": "2", "sub/b.txt": "2", "sub/c.md": "2" },
        },
    })
}

fn world(test: &str) -> Option<World> {
    let mut world = World::new(test)?;
    world.options.insert("repositories", json!({ ADDRESS: repository() }));
    Some(world)
}

#[test]
fn a_repository_becomes_a_directory() {
    let Some(world) = world("a_repository_becomes_a_directory") else { return };
    let built = world.build(&format!(
        "FROM base:1\nADD {ADDRESS} /all\nADD {ADDRESS}#old:sub /sub/\n\
         ADD --chown=7:8 --chmod=700 --exclude=*/*.md {ADDRESS}?branch=main /owned\n\
         ADD --link {ADDRESS}?tag=v1&subdir=sub /linked\n"
    ));
    assert_eq!(built.describe("all/sub"), "directory 755 0:0");
    assert_eq!(built.describe("all/sub/b.txt"), "file of 1 644 0:0");
    assert_eq!(built.text("all/a.txt"), "2");
    assert_eq!(built.text("sub/b.txt"), "1");
    assert!(!built.exists("sub/a.txt") && !built.exists("all/.git"));
    assert_eq!(built.describe("owned/a.txt"), "file of 1 700 7:8");
    assert!(built.exists("owned/sub/b.txt") && !built.exists("owned/sub/c.md"));
    assert_eq!(built.text("linked/b.txt"), "1");
    assert_eq!(built.history()[1], format!("ADD {ADDRESS} /all"));
}

#[test]
fn a_step_is_known_by_its_commit() {
    let Some(mut world) = world("a_step_is_known_by_its_commit") else { return };
    let dockerfile = format!("FROM base:1\nADD {ADDRESS}#main /src\n");
    assert_eq!(world.build(&dockerfile).outcomes(), ["ran"]);
    let mut moved = repository();
    moved["commits"] = json!({});
    world.options.insert("repositories", json!({ ADDRESS: moved }));
    assert_eq!(world.build(&dockerfile).outcomes(), ["cached"], "no file is fetched");

    moved["names"]["refs/heads/main"] = json!(FIRST);
    moved["commits"] = repository()["commits"].clone();
    world.options.insert("repositories", json!({ ADDRESS: moved }));
    assert_eq!(world.build(&dockerfile).text("src/a.txt"), "1");

    // By its whole id a commit is known without asking.
    let pinned = format!("FROM base:1\nADD {ADDRESS}#{FIRST} /src\n");
    world.build(&pinned);
    world.options.remove("repositories");
    assert_eq!(world.build(&pinned).outcomes(), ["cached"]);
}

#[test]
fn a_checksum_is_compared() {
    let Some(mut world) = world("a_checksum_is_compared") else { return };
    let add = |flags: &str, rest: &str| format!("FROM base:1\nADD {flags} {ADDRESS}{rest} /src\n");
    for (flags, rest) in [
        ("--checksum=2", ""),
        ("--checksum=3333", "#v1"),
        ("--checksum=1111", "#v1"),
        ("", "?ref=old&commit=11111111"),
        ("--checksum=1111", &format!("#{FIRST}")),
    ] {
        assert_eq!(world.build(&add(flags, rest)).outcomes().len(), 1, "{flags} {rest}");
    }
    let whole = add(&format!("--checksum={SECOND}"), "#main");
    world.build(&whole);
    insta::assert_snapshot!(world.fail(&add("--checksum=1111", "#main")), @r"
    error: the repository `https://example.com/x/y.git#main` is at the commit 2222222222222222222222222222222222222222, and was to be at 1111
     --> Dockerfile:2:16
      |
    2 | ADD --checksum=1111 https://example.com/x/y.git#main /src
      |                ^^^^
    hint: the branch or tag has moved; look at what is new before you change the checksum
    ");
    insta::assert_snapshot!(world.fail(&add("", "?checksum=4#old")), @r"
    error: the repository `https://example.com/x/y.git?checksum=4#old` is at the commit 1111111111111111111111111111111111111111, and was to be at 4
     --> Dockerfile:2:6
      |
    2 | ADD  https://example.com/x/y.git?checksum=4#old /src
      |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: the branch or tag has moved; look at what is new before you change the checksum
    ");
    insta::assert_snapshot!(world.fail(&add(&format!("--checksum={FIRST}"), "#main")), @r"
    error: the repository `https://example.com/x/y.git#main` is at the commit 2222222222222222222222222222222222222222, and was to be at 1111111111111111111111111111111111111111
     --> Dockerfile:2:16
      |
    2 | ADD --checksum=1111111111111111111111111111111111111111 https://example.com/x/y.git#main /src
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: the branch or tag has moved; look at what is new before you change the checksum
    ");
    insta::assert_snapshot!(world.fail(&add("--checksum=sha256:1", "")), @r"
    error: `sha256:1` is not the id of a commit or its beginning
     --> Dockerfile:2:1
      |
    2 | ADD --checksum=sha256:1 https://example.com/x/y.git /src
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    // A whole id says what the step is known by.
    world.options.remove("repositories");
    assert_eq!(world.build(&whole).outcomes(), ["cached"]);
}

#[test]
fn what_is_not_there_is_said_with_its_line() {
    let Some(mut world) = world("what_is_not_there_is_said_with_its_line") else { return };
    let fail = |rest: &str| world.fail(&format!("FROM base:1\nADD {ADDRESS}{rest} /src\n"));
    insta::assert_snapshot!(fail("#nothing"), @r"
    error: the repository `https://example.com/x/y.git#nothing` has no branch or tag `nothing`
     --> Dockerfile:2:5
      |
    2 | ADD https://example.com/x/y.git#nothing /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: name a branch, a tag, or a commit by all of its digits
    ");
    insta::assert_snapshot!(fail(&format!("#{TAG}")), @r"
    error: failed to fetch the repository `https://example.com/x/y.git#3333333333333333333333333333333333333333`: the commit is not there
     --> Dockerfile:2:5
      |
    2 | ADD https://example.com/x/y.git#3333333333333333333333333333333333333333 /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(fail("?depth=1"), @r"
    error: the repository `https://example.com/x/y.git?depth=1` cannot be added: `depth` is not known
     --> Dockerfile:2:5
      |
    2 | ADD https://example.com/x/y.git?depth=1 /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: known are ref, tag, branch, commit, checksum, subdir, keep-git-dir, submodules, mtime, fetch-by-commit
    ");
    world.options.remove("repositories");
    let report = world.fail(&format!("FROM base:1\nADD {ADDRESS} /src\n"));
    insta::assert_snapshot!(report, @r"
    error: failed to fetch the repository `https://example.com/x/y.git`: nothing answers
     --> Dockerfile:2:5
      |
    2 | ADD https://example.com/x/y.git /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    let report = world.fail(&format!("FROM base:1\nCOPY {ADDRESS} /src\n"));
    insta::assert_snapshot!(report, @r"
    error: `COPY` cannot copy from the URL `https://example.com/x/y.git`
     --> Dockerfile:2:6
      |
    2 | COPY https://example.com/x/y.git /src
      |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: `ADD` downloads files
    ");
}

#[test]
fn a_git_directory_is_kept_when_told_so() {
    let Some(world) = world("a_git_directory_is_kept_when_told_so") else { return };
    let built = world.build(&format!(
        "FROM base:1\nADD --keep-git-dir {ADDRESS}#v1 /flag\n\
         ADD {ADDRESS}?keep-git-dir=1&submodules=0 /query\nADD {ADDRESS}#v1 /none\n"
    ));
    assert!(built.text("flag/.git/HEAD").contains(TAG));
    assert!(built.text("query/.git/HEAD").contains("refs/heads/main"));
    assert!(built.exists("query/.without-submodules") && !built.exists("flag/.without-submodules"));
    assert!(!built.exists("none/.git"));
    let report =
        world.fail(&format!("FROM base:1\nADD --keep-git-dir {ADDRESS}?keep-git-dir=false /src\n"));
    insta::assert_snapshot!(report, @r"
    error: the repository `https://example.com/x/y.git?keep-git-dir=false` cannot be added: `--keep-git-dir` and `keep-git-dir=false` contradict each other
     --> Dockerfile:2:20
      |
    2 | ADD --keep-git-dir https://example.com/x/y.git?keep-git-dir=false /src
      |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    world.file("file", "");
    let built = world.build("FROM base:1\nADD --keep-git-dir file /\n");
    let warning = "warning: `--keep-git-dir` is for git repositories, and no source is one";
    assert_eq!(built.answer["output"][0], warning);
}

#[test]
fn times_are_those_of_the_commit_when_told_so() {
    let Some(world) = world("times_are_those_of_the_commit_when_told_so") else { return };
    let built = world.build(&format!(
        "FROM base:1\nADD {ADDRESS}?mtime=commit /commit\nADD {ADDRESS} /builder\n"
    ));
    let time = |path: &str| built.tree().entry(path.as_ref()).unwrap().unwrap().modified.unwrap();
    assert_eq!(time("commit/a.txt"), 1_400_000_000);
    assert_eq!(time("commit/sub"), 1_400_000_000);
    assert!(time("builder/a.txt") > 1_600_000_000);
}

#[test]
fn a_secret_lets_the_build_in() {
    let Some(mut world) = world("a_secret_lets_the_build_in") else { return };
    let mut private = repository();
    private["token"] = json!("hunter2");
    world.options.insert("repositories", json!({ ADDRESS: private }));
    let dockerfile = format!("FROM base:1\nADD {ADDRESS} /src\n");
    assert!(world.fail(&dockerfile).contains("another token"));
    for (secrets, is_right) in [
        (json!({ "GIT_AUTH_TOKEN": "hunter2" }), true),
        (json!({ "GIT_AUTH_TOKEN": "x", "GIT_AUTH_TOKEN.example.com": "hunter2" }), true),
        (json!({ "GIT_AUTH_TOKEN.example.org": "hunter2" }), false),
        (json!({ "GIT_AUTH_TOKEN": "hunter2", "GIT_AUTH_HEADER": "x" }), false),
    ] {
        world.options.insert("secrets", secrets.clone());
        assert_eq!(world.build_in("store", &dockerfile).is_ok(), is_right, "{secrets}");
    }
}
