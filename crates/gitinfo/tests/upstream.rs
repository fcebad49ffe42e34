//! Repositories on servers: git's own, on loopback.

use std::{
    io::{self, Cursor, Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use notes_gitinfo::{
    Answer, Credential, Id, Repository, Request, Tip, Upstream, UpstreamError, Web, WebError,
};
use notes_testkit::{GitServer, ObjectFormat, TestRepo};

/// The plainest client there is.
struct Plain;

impl Web for Plain {
    fn send(&self, request: Request) -> Result<Answer, WebError> {
        exchange(&request).map_err(WebError::new)
    }
}

fn exchange(request: &Request) -> io::Result<Answer> {
    let rest = request.address.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(host)?;
    let method = if request.body.is_some() { "POST" } else { "GET" };
    let body = request.body.clone().unwrap_or_default();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n")?;
    for (name, value) in &request.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "Content-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    if !head.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(head.lines().next().unwrap().to_owned()));
    }
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
    Ok(Answer {
        address: request.address.clone(),
        content_type: content_type.unwrap_or_default().into(),
        body: Box::new(Cursor::new(answer.split_off(end + 4))),
    })
}

fn upstream(address: &str) -> Upstream {
    Upstream::new(address, Arc::new(Plain)).unwrap()
}

fn tip(upstream: &Upstream, name: &str) -> Tip {
    upstream.resolve(Some(name)).unwrap().unwrap()
}

fn fetch(upstream: &Upstream, id: Id, into: &Path) -> Repository {
    upstream.fetch(id, into, &AtomicBool::new(false)).unwrap()
}

fn paths(repository: &Repository, name: &str) -> Vec<String> {
    let revision = repository.revision(name).unwrap();
    let entries = repository.tree(&revision).unwrap().walk("".as_ref()).unwrap();
    entries.iter().map(|entry| entry.path.display().to_string()).collect()
}

/// A repository with two commits, a branch and tags at the first, and its server.
fn served(test: &str, format: ObjectFormat) -> Option<(TestRepo, GitServer, [String; 2])> {
    let fixture = TestRepo::with_format(test, format)?;
    let server = GitServer::start(test)?;
    fixture.write("old.txt", "1");
    let first = fixture.commit("One");
    fixture.git(&["branch", "feature/x"]);
    fixture.git(&["tag", "light"]);
    fixture.git(&["tag", "--annotate", "--message=Release", "v1"]);
    fixture.git(&["rm", "--quiet", "old.txt"]);
    fixture.write("sub/new.txt", "2");
    let second = fixture.commit("Two");
    server.add("group/app.git", &fixture);
    Some((fixture, server, [first, second]))
}

#[test]
fn names_stand_for_commits() {
    let made = served("names_stand_for_commits", ObjectFormat::Sha1);
    let Some((fixture, server, [first, second])) = made else { return };
    for address in [server.url("/group/app.git"), server.web.url("/group/app.git")] {
        let upstream = upstream(&address);
        let default = upstream.resolve(None).unwrap().unwrap();
        assert_eq!(default.commit.to_string(), second);
        assert_eq!(default.reference.as_deref(), Some("refs/heads/main"));
        for (name, reference) in [
            ("feature/x", "refs/heads/feature/x"),
            ("heads/feature/x", "refs/heads/feature/x"),
            ("light", "refs/tags/light"),
            ("v1", "refs/tags/v1"),
        ] {
            let tip = tip(&upstream, name);
            assert_eq!(tip.commit.to_string(), first, "{name}");
            assert_eq!(tip.reference.as_deref(), Some(reference));
            let object = fixture.git(&["rev-parse", reference]);
            let tag = (object != first).then_some(object);
            assert_eq!(tip.tag.map(|tag| tag.to_string()), tag, "{name}");
        }
        assert_eq!(upstream.resolve(Some("nothing")).unwrap(), None);
        assert_eq!(upstream.resolve(Some(&first[..7])).unwrap(), None);
    }
    let fetched = server.web.take_lines().iter().any(|line| line.contains("command=fetch"));
    assert!(!fetched, "names need no objects");
}

#[test]
fn one_commit_is_fetched_without_its_history() {
    let made = served("one_commit_is_fetched_without_its_history", ObjectFormat::Sha1);
    let Some((_fixture, server, [first, second])) = made else { return };
    for address in [server.url("/group/app.git"), server.web.url("/group/app.git")] {
        let directory = tempfile::tempdir().unwrap();
        let upstream = upstream(&address);
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        let repository = fetch(&upstream, second.parse().unwrap(), &new);
        assert_eq!(paths(&repository, &second), ["sub", "sub/new.txt"]);
        assert!(repository.is_shallow());
        assert!(repository.revision(&first).is_err(), "the parent is not there");
        // Any commit, not only those that names stand for.
        let repository = fetch(&upstream, first.parse().unwrap(), &old);
        assert_eq!(paths(&repository, &first), ["old.txt"]);
        let tag = tip(&upstream, "v1").tag.unwrap();
        let repository = fetch(&upstream, tag, &directory.path().join("tag"));
        assert_eq!(repository.revision(&tag.to_string()).unwrap().commit.to_string(), first);
    }
}

#[test]
fn a_checkout_has_a_git_directory_that_git_can_use() {
    let test = "a_checkout_has_a_git_directory_that_git_can_use";
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let Some((fixture, server, [first, second])) = served(test, format) else { return };
        let upstream = upstream(&server.url("/group/app.git"));
        let directory = tempfile::tempdir().unwrap();
        let checkout = |name: &str, number: &str| {
            let tip = tip(&upstream, name);
            let id = tip.tag.unwrap_or(tip.commit);
            let clone = fetch(&upstream, id, &directory.path().join(format!("{name}-{number}")));
            let revision = clone.revision(&id.to_string()).unwrap();
            let place = directory.path().join(format!("{name}-{number}-checkout"));
            let into = place.join(".git");
            std::fs::create_dir_all(&into).unwrap();
            clone.write_checkout(&revision, &tip, "https://host/app.git", &into).unwrap();
            place
        };
        let git = |place: &Path, arguments: &[&str]| fixture.git_in(place, arguments);
        for (name, commit) in [("main", &second), ("v1", &first)] {
            let place = checkout(name, "1");
            git(&place, &["checkout-index", "--all"]);
            assert_eq!(git(&place, &["log", "-1", "--format=%H"]), *commit);
            assert_eq!(git(&place, &["status", "--porcelain"]), "");
            assert_eq!(git(&place, &["fsck", "--strict"]), "");
            assert_eq!(git(&place, &["rev-parse", &format!("{name}^{{commit}}")]), *commit);
            assert_eq!(git(&place, &["remote", "get-url", "origin"]), "https://host/app.git");
            let again = checkout(name, "2");
            assert_eq!(files(&again.join(".git")), {
                let place = checkout(name, "3");
                files(&place.join(".git"))
            });
        }
        let place = directory.path().join("v1-1-checkout");
        assert_eq!(git(&place, &["describe"]), "v1");
    }
}

/// Returns all files below a directory with their content.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let inner = self::files(&path).into_iter();
            files.extend(inner.map(|(path, content)| (format!("{name}/{path}"), content)));
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn submodules_are_named_with_their_addresses() {
    let test = "submodules_are_named_with_their_addresses";
    let Some(fixture) = TestRepo::new(test) else { return };
    let Some(inner) = TestRepo::new(test) else { return };
    inner.write("file", "");
    let commit = inner.commit("Inner");
    let from = inner.path().display().to_string();
    fixture.git(&["submodule", "--quiet", "add", &from, "vendor/inner"]);
    fixture.git(&["config", "--file=.gitmodules", "submodule.vendor/inner.url", "../inner.git"]);
    fixture.commit("Outer");
    let submodules = |name: &str| {
        let repository = Repository::open(fixture.path()).unwrap();
        let tree = repository.tree(&repository.revision(name).unwrap()).unwrap();
        tree.submodules("https://host/group/app.git")
    };
    let found = submodules("HEAD").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, Path::new("vendor/inner"));
    assert_eq!(found[0].address, "https://host/group/inner.git");
    assert_eq!(found[0].commit.to_string(), commit);

    fixture.git(&["config", "--file=.gitmodules", "submodule.vendor/inner.update", "none"]);
    fixture.commit("Leave it alone");
    assert_eq!(submodules("HEAD").unwrap(), []);

    fixture.git(&["rm", "--quiet", "--cached", ".gitmodules"]);
    std::fs::remove_file(fixture.path().join(".gitmodules")).unwrap();
    fixture.commit("Forget where it is");
    assert_eq!(
        submodules("HEAD").unwrap_err().to_string(),
        "`.gitmodules` does not say where the submodule `vendor/inner` is"
    );
}

#[test]
fn a_credential_is_for_its_own_server() {
    let test = "a_credential_is_for_its_own_server";
    let Some(fixture) = TestRepo::new(test) else { return };
    fixture.commit("One");
    let wanted = "Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4=";
    let Some(server) = GitServer::start_for(test, Some(wanted)) else { return };
    server.add("app.git", &fixture);
    let address = server.web.url("/app.git");
    let failure = upstream(&address).resolve(None).unwrap_err();
    assert_eq!(failure.to_string(), "HTTP/1.1 401 Unauthorized");
    let token = Credential::Token("token".into());
    let shown = upstream(&address).with_credential(Some(&token));
    assert!(shown.resolve(None).unwrap().is_some());
    assert!(shown.beside(&address).unwrap().resolve(None).unwrap().is_some());
    let written = upstream(&address.replace("http://", "http://x-access-token:token@"));
    assert!(written.resolve(None).unwrap().is_some());
    assert_eq!(written.address(), address);
    let Some(other) = GitServer::start_for(test, Some(wanted)) else { return };
    other.add("app.git", &fixture);
    let beside = shown.beside(&other.web.url("/app.git")).unwrap();
    assert!(beside.resolve(None).is_err(), "the other server is shown nothing");
}

#[test]
fn what_is_not_there_is_an_error() {
    let test = "what_is_not_there_is_an_error";
    let Some(server) = GitServer::start(test) else { return };
    let failure = upstream(&server.web.url("/none.git")).resolve(None).unwrap_err();
    assert!(matches!(failure, UpstreamError::Web { .. }), "{failure}");
    let failure = upstream(&server.url("/none.git")).resolve(None).unwrap_err();
    let expected = format!("failed to list the branches and tags of `{}`", server.url("/none.git"));
    assert_eq!(failure.to_string(), expected);
    let Some(fixture) = TestRepo::new(test) else { return };
    fixture.commit("One");
    server.add("app.git", &fixture);
    let directory = tempfile::tempdir().unwrap();
    let missing = "0123456789012345678901234567890123456789".parse().unwrap();
    for address in [server.url("/app.git"), server.web.url("/app.git")] {
        let failure = upstream(&address).fetch(missing, directory.path(), &AtomicBool::new(false));
        assert!(matches!(failure, Err(UpstreamError::NoCommit { .. })), "{failure:?}");
    }
    let failure = upstream("git://127.0.0.1:1/none.git").resolve(None).unwrap_err();
    assert_eq!(failure.to_string(), "failed to connect to `127.0.0.1:1`");
    let failure = Upstream::new("git@host:app.git", Arc::new(Plain)).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "`git@host:app.git` is not the address of a repository behind https://, http:// or git://"
    );
}

#[test]
fn a_fetch_that_is_told_to_stop_stops() {
    let made = served("a_fetch_that_is_told_to_stop_stops", ObjectFormat::Sha1);
    let Some((_fixture, server, [_, second])) = made else { return };
    let directory = tempfile::tempdir().unwrap();
    let upstream = upstream(&server.url("/group/app.git"));
    let fetched = upstream.fetch(second.parse().unwrap(), directory.path(), &AtomicBool::new(true));
    assert!(fetched.is_err());
}
