//! `ADD` of git repositories, from git's own servers on loopback.

use std::path::PathBuf;

use notes_testkit::{GitServer, TestRepo, WebAnswer, WebServer};

use crate::world::World;

/// Surroundings, a repository with a branch and a tag at its first commit, and its server.
struct Forge {
    world: World,
    source: TestRepo,
    server: GitServer,
    first: String,
}

impl Forge {
    async fn start(test: &str) -> Option<Self> {
        let world = World::new(test).await?;
        let (source, server) = (TestRepo::new(test)?, GitServer::start(test)?);
        source.write("a.txt", "1");
        source.write("sub/b.txt", "1");
        let first = source.commit("One");
        source.git(&["branch", "old"]);
        source.git(&["tag", "--annotate", "--message=Release", "v1"]);
        source.write("a.txt", "2");
        source.commit("Two");
        server.add("app.git", &source);
        Some(Self { world, source, server, first })
    }

    fn url(&self) -> String {
        self.server.web.url("/app.git")
    }

    /// Builds the Dockerfile and returns the directory that its files are in.
    fn files(&self, name: &str, dockerfile: &str, arguments: &[&str]) -> PathBuf {
        self.world.commit(dockerfile);
        let directory = self.world.home().join(name);
        let output = format!("type=local,dest={}", directory.display());
        let _ = self.world.build(&[&["-o", output.as_str()], arguments].concat()).digest();
        directory
    }

    fn fail(&self, dockerfile: &str) -> String {
        self.world.commit(dockerfile);
        let failure = self.world.fail(&[]);
        failure.replace(&self.server.web.host(), "FORGE").replace(&self.first, "FIRST")
    }

    /// Whether objects were fetched since the last call.
    fn fetched(&self) -> bool {
        self.server.web.take_lines().iter().any(|line| line.ends_with(" fetch"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_is_added_and_fetched_once() {
    let test = "a_repository_is_added_and_fetched_once";
    let Some(forge) = Forge::start(test).await else { return };
    let (url, daemon) = (forge.url(), forge.server.url("/app.git"));
    let dockerfile = format!(
        "FROM scratch\nADD {url} /default\nADD {url}#old:sub /branch\nADD {url}?tag=v1 /tag\n\
         ADD {url}#{} /commit\nADD --checksum={} {daemon}#v1 /daemon/\n",
        forge.first,
        &forge.first[..7],
    );
    let files = forge.files("once", &dockerfile, &[]);
    let read = |path: &str| std::fs::read_to_string(files.join(path)).unwrap();
    assert_eq!(read("default/a.txt"), "2");
    assert_eq!(read("branch/b.txt"), "1");
    for path in ["tag/a.txt", "commit/a.txt", "daemon/a.txt"] {
        assert_eq!(read(path), "1", "{path}");
    }
    assert!(!files.join("default/.git").exists());
    assert!(forge.fetched());

    let again = forge.world.build(&[]);
    assert!(!forge.fetched(), "the steps are known: {again}");
    assert!(again.stderr.contains("Cached ["), "{again}");
    assert!(forge.world.left_behind().is_empty());

    forge.source.write("a.txt", "3");
    forge.source.commit("Three");
    let files = forge.files("moved", &dockerfile, &[]);
    assert_eq!(std::fs::read_to_string(files.join("default/a.txt")).unwrap(), "3");
    assert!(forge.fetched());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_git_directory_is_one_that_git_can_use() {
    let test = "a_kept_git_directory_is_one_that_git_can_use";
    let Some(forge) = Forge::start(test).await else { return };
    let url = forge.url();
    let dockerfile =
        format!("FROM scratch\nADD --keep-git-dir {url}#v1 /tag\nADD {url}?keep-git-dir /head\n");
    let files = forge.files("files", &dockerfile, &[]);
    let git = |name: &str, arguments: &[&str]| forge.source.git_in(&files.join(name), arguments);
    assert_eq!(git("tag", &["log", "-1", "--format=%H %s"]), format!("{} One", forge.first));
    assert_eq!(git("tag", &["describe"]), "v1");
    assert_eq!(git("head", &["log", "--format=%s"]), "Two");
    for name in ["tag", "head"] {
        assert_eq!(git(name, &["status", "--porcelain"]), "");
        assert_eq!(git(name, &["remote", "get-url", "origin"]), url);
    }
    let first = forge.world.build(&[]);
    let store = forge.world.home().join("another-store");
    let second = forge.world.build(&["--store", store.to_str().unwrap()]);
    assert_eq!(second.digest(), first.digest(), "a fetch gives the same bytes each time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submodules_come_with_their_repository() {
    let test = "submodules_come_with_their_repository";
    let Some(forge) = Forge::start(test).await else { return };
    let (Some(outer), Some(middle)) = (TestRepo::new(test), TestRepo::new(test)) else { return };
    let add = |to: &TestRepo, from: &TestRepo, path: &str, address: &str| {
        let from = from.path().to_str().unwrap();
        to.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, path]);
        let key = format!("submodule.{path}.url");
        to.git(&["config", "--file=.gitmodules", &key, address]);
        to.commit("Add a submodule");
    };
    add(&middle, &forge.source, "inner", "../app.git");
    add(&outer, &middle, "vendor/middle", &forge.server.web.url("/middle.git"));
    forge.server.add("middle.git", &middle);
    forge.server.add("outer.git", &outer);
    let url = forge.server.web.url("/outer.git");
    let files = forge.files(
        "files",
        &format!(
            "FROM scratch\nADD {url} /all\nADD {url}#:vendor/middle/inner/sub /part\n\
             ADD {url}?submodules=false /none\n"
        ),
        &[],
    );
    let inner = std::fs::read_to_string(files.join("all/vendor/middle/inner/a.txt")).unwrap();
    assert_eq!(inner, "2");
    assert!(files.join("part/b.txt").exists());
    assert!(files.join("none/vendor/middle").is_dir());
    assert!(!files.join("none/vendor/middle/inner").exists());

    let address = "git@example.com:x/y.git";
    outer.git(&["config", "--file=.gitmodules", "submodule.vendor/middle.url", address]);
    outer.commit("Move the submodule");
    let failure = forge.fail(&format!("FROM scratch\nADD {url} /all\n"));
    insta::assert_snapshot!(failure, @r"
    error: failed to fetch the repository `http://FORGE/outer.git`: failed to fetch the submodule `vendor/middle` from `git@example.com:x/y.git`: `git@example.com:x/y.git` is not the address of a repository behind https://, http:// or git://
     --> Dockerfile:2:5
      |
    2 | ADD http://FORGE/outer.git /all
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: `?submodules=false` leaves submodules out
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_fetched_is_said_with_its_line() {
    let test = "what_cannot_be_fetched_is_said_with_its_line";
    let Some(forge) = Forge::start(test).await else { return };
    let fail = |add: &str| forge.fail(&format!("FROM scratch\nADD {add} /src\n"));
    let url = forge.url();
    insta::assert_snapshot!(fail(&format!("{url}#nothing")), @r"
    error: the repository `http://FORGE/app.git#nothing` has no branch or tag `nothing`
     --> Dockerfile:2:5
      |
    2 | ADD http://FORGE/app.git#nothing /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: name a branch, a tag, or a commit by all of its digits
    exit code 3
    ");
    insta::assert_snapshot!(fail(&format!("--checksum=0000000 {url}#old")), @r"
    error: the repository `http://FORGE/app.git#old` is at the commit FIRST, and was to be at 0000000
     --> Dockerfile:2:16
      |
    2 | ADD --checksum=0000000 http://FORGE/app.git#old /src
      |                ^^^^^^^
    hint: the branch or tag has moved; look at what is new before you change the checksum
    exit code 3
    ");
    insta::assert_snapshot!(fail(&format!("{url}#:a.txt")), @r"
    error: failed to fetch the repository `http://FORGE/app.git#:a.txt`: `a.txt` is not a directory of the commit
     --> Dockerfile:2:5
      |
    2 | ADD http://FORGE/app.git#:a.txt /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 3
    ");
    let missing = "0123456789012345678901234567890123456789";
    insta::assert_snapshot!(fail(&format!("{url}#{missing}")), @r"
    error: failed to fetch the repository `http://FORGE/app.git#0123456789012345678901234567890123456789`: `http://FORGE/app.git` has no commit 0123456789012345678901234567890123456789
     --> Dockerfile:2:5
      |
    2 | ADD http://FORGE/app.git#0123456789012345678901234567890123456789 /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 3
    ");
    insta::assert_snapshot!(fail(&forge.server.web.url("/none.git")), @r"
    error: failed to fetch the repository `http://FORGE/none.git`: `GET http://FORGE/none.git/info/refs` was answered with 404: Not Found
     --> Dockerfile:2:5
      |
    2 | ADD http://FORGE/none.git /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: is it private? `--secret id=GIT_AUTH_TOKEN,env=VARIABLE` shows the server a token
    exit code 3
    ");
    insta::assert_snapshot!(fail("git://127.0.0.1:1/app.git"), @r"
    error: failed to fetch the repository `git://127.0.0.1:1/app.git`: failed to connect to `127.0.0.1:1`: Connection refused (os error 111)
     --> Dockerfile:2:5
      |
    2 | ADD git://127.0.0.1:1/app.git /src
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 5
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_a_private_repository_and_is_seen_by_nobody() {
    let test = "a_token_opens_a_private_repository_and_is_seen_by_nobody";
    let Some(mut forge) = Forge::start(test).await else { return };
    let wanted = "Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4tb2YtYWRh";
    let Some(private) = GitServer::start_for(test, Some(wanted)) else { return };
    private.add("app.git", &forge.source);
    forge.server = private;
    let dockerfile = format!("FROM scratch\nADD --keep-git-dir {} /src\n", forge.url());
    insta::assert_snapshot!(forge.fail(&dockerfile), @r"
    error: failed to fetch the repository `http://FORGE/app.git`: `GET http://FORGE/app.git/info/refs` was answered with 401: Unauthorized
     --> Dockerfile:2:20
      |
    2 | ADD --keep-git-dir http://FORGE/app.git /src
      |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: is it private? `--secret id=GIT_AUTH_TOKEN,env=VARIABLE` shows the server a token
    exit code 4
    ");

    forge.world.set("TOKEN", "token-of-ada");
    let secret = ["--secret", "id=GIT_AUTH_TOKEN,env=TOKEN"];
    let files = forge.files("files", &dockerfile, &secret);
    assert_eq!(std::fs::read_to_string(files.join("src/a.txt")).unwrap(), "2");
    let config = std::fs::read_to_string(files.join("src/.git/config")).unwrap();
    assert!(config.contains(&forge.url()) && !config.contains("token"), "{config}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_has_moved_is_followed() {
    let test = "a_repository_that_has_moved_is_followed";
    let Some(forge) = Forge::start(test).await else { return };
    let url = forge.url();
    let old = WebServer::start(move |request| {
        let rest = request.target.strip_prefix("/old.git").unwrap_or_default();
        WebAnswer::new("301 Moved Permanently", "").with("Location", format!("{url}{rest}"))
    });
    let dockerfile = format!("FROM scratch\nADD {} /src\n", old.url("/old.git"));
    let files = forge.files("files", &dockerfile, &[]);
    assert_eq!(std::fs::read_to_string(files.join("src/a.txt")).unwrap(), "2");
    let lines = old.take_lines();
    assert!(lines.iter().all(|line| line.starts_with("GET ")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_asks_no_server() {
    let Some(forge) = Forge::start("a_check_asks_no_server").await else { return };
    let url = forge.url();
    let dockerfile = format!("FROM scratch\nADD {url} /src\nADD --keep-git-dir {url}#v1 /kept\n");
    forge.world.commit(&dockerfile);
    let checked = forge.world.run(&["check"]);
    assert_eq!(checked.status, 0, "{checked}");
    assert_eq!(forge.server.web.take_lines(), <[String; 0]>::default());
}
