//! `notes-build serve` and `notes-build prune --registry`: a registry of one's own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::world::{Ran, World};

/// A registry that runs. Ended when it is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    /// Starts one on a free port, with its files in `registry` in the home directory.
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let root = root(world);
        let all = ["serve", "--address", "127.0.0.1:0", "--root", root.to_str().unwrap()];
        let mut command = world.command(world.home(), &[&all[..], arguments].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }

    pub(crate) fn kill(&mut self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args([&format!("-{signal}"), &self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Waits for the end, and returns what was said.
    pub(crate) fn ended(&mut self, world: &World) -> Ran {
        let mut said = Vec::new();
        self.child.stderr.take().unwrap().read_to_end(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        let output = std::process::Output { status, stdout: Vec::new(), stderr: said };
        let ran = world.normalize(&output);
        Ran { stderr: ran.stderr.replace(&self.address, "ADDRESS"), ..ran }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn root(world: &World) -> PathBuf {
    world.home().join("registry")
}

#[tokio::test]
async fn a_registry_says_where_it_is_and_ends_at_a_signal() {
    let Some(world) = World::new("a_registry_says_where_it_is_and_ends_at_a_signal").await else {
        return;
    };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let mut serving = Serving::start(&world, &[]);
    let image = format!("{}/team/app", serving.address);
    let built = world.run(&["--image", &image]);
    assert_eq!(built.status, 0, "{built}");
    serving.kill("TERM");
    insta::assert_snapshot!(serving.ended(&world), @r"
         Serving HOME/registry on ADDRESS
        Stopping when the requests under way have ended, or at a second signal
         Stopped the registry on ADDRESS
    exit code 0
    ");
    let root = root(&world);
    let prune = ["prune", "--registry", root.to_str().unwrap(), "--older-than", "0s"];
    insta::assert_snapshot!(world.run(&prune), @r"
          Pruned 0 B in 0 blobs and 0 uploads
    exit code 0
    ");
    insta::assert_snapshot!(world.run(&["prune", "--registry", "none"]), @r"
    error: `REPOSITORY/none` is no directory of a registry
    hint: name the directory that `serve --root` has
    exit code 3
    ");
}

/// The bytes of an upload that has begun arrive also after the signal.
#[tokio::test]
async fn an_upload_under_way_is_waited_for() {
    let Some(world) = World::new("an_upload_under_way_is_waited_for").await else { return };
    let mut serving = Serving::start(&world, &[]);
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    let digest = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    write!(
        stream,
        "POST /v2/app/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\
         Expect: 100-continue\r\n\r\n"
    )
    .unwrap();
    let mut answer = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    // The server reads the body: the request is under way.
    answer.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "HTTP/1.1 100 Continue");
    stream.write_all(b"hello").unwrap();
    serving.kill("TERM");
    let mut said = BufReader::new(serving.child.stderr.take().unwrap());
    let mut words = String::new();
    while !words.contains("Stopping") {
        assert_ne!(said.read_line(&mut words).unwrap(), 0, "{words}");
    }
    stream.write_all(b" world").unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 201 Created"), "{rest}");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_served_says_why() {
    let Some(world) = World::new("what_cannot_be_served_says_why").await else { return };
    let taken = world.registry.registry().to_string();
    let fails = |world: &World, arguments: &[&str]| {
        let all =
            [&["serve", "--root", "registry", "--address", "127.0.0.1:0"], arguments].concat();
        world.run_in(world.home(), &all).failure()
    };
    fs::write(world.home().join("file"), "no key").unwrap();
    fs::write(world.home().join("empty"), "\n").unwrap();
    let (_, port) = taken.rsplit_once(':').unwrap();
    let failure = world.run_in(world.home(), &["serve", "--address", &taken]).failure();
    insta::assert_snapshot!(failure.replace(port, "PORT"), @r"
    error: failed to listen on `REGISTRY`: Address already in use (os error 98)
    hint: another program listens on port PORT; choose another
    exit code 3
    ");
    let failure = world.run_in(world.home(), &["serve", "--root", "file/registry"]).failure();
    insta::assert_snapshot!(failure, @r"
    error: failed to prepare the registry directory `HOME/file/registry`: Not a directory (os error 20)
    exit code 3
    ");
    let tls = ["--tls-certificate", "file", "--tls-key", "none"];
    insta::assert_snapshot!(fails(&world, &tls), @r"
    error: failed to prepare TLS: failed to read certificates from `HOME/file`: no items found
    hint: the file has to be in PEM form: `-----BEGIN …-----`
    exit code 3
    ");
    insta::assert_snapshot!(fails(&world, &["--user", "ci=none"]), @r"
    error: failed to read the password of `ci` from `none`: No such file or directory (os error 2)
    exit code 3
    ");
    insta::assert_snapshot!(fails(&world, &["--user", "ci=empty"]), @r"
    error: the password of `ci` in `empty` is empty
    exit code 3
    ");
    insta::assert_snapshot!(fails(&world, &["--user", "ci=file", "--grant", "bob=*:pull"]), @r"
    error: `--grant` names `bob`, who is no `--user`
    exit code 2
    ");
    insta::assert_snapshot!(fails(&world, &["--user", "ci=file", "--grant", "ci=*:read"]), @r"
    error: invalid value 'ci=*:read' for '--grant <NAME=REPOSITORIES:ACTIONS>': `read` is none of `pull`, `push`, `delete`

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(fails(&world, &["--read-only"]), @r"
    error: failed to prepare the registry directory `HOME/registry`: No such file or directory (os error 2)
    exit code 3
    ");
}

/// An authority, a certificate of it for 127.0.0.1, and their keys, in the home directory.
fn certificates(world: &World, test: &str) -> Option<()> {
    const COMMANDS: [&str; 3] = [
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
         -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE",
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=registry \
         -keyout server.key -out server.csr -addext subjectAltName=IP:127.0.0.1",
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -copy_extensions copy -out server.pem",
    ];
    for command in COMMANDS {
        let mut words = command.split_whitespace();
        let mut openssl = Command::new(words.next().unwrap());
        openssl.args(words).current_dir(world.home()).stderr(Stdio::null());
        if !openssl.status().is_ok_and(|status| status.success()) {
            notes_testkit::skip(test, "openssl is not installed, or makes no certificates");
            return None;
        }
    }
    Some(())
}

#[tokio::test]
async fn a_registry_with_tokens_takes_what_its_user_builds() {
    let test = "a_registry_with_tokens_takes_what_its_user_builds";
    let Some(mut world) = World::new(test).await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    fs::write(world.home().join("password"), "correct horse\n").unwrap();
    let arguments = ["--user=ci=password", "--grant=ci=team/*:pull,push", "--login=token"];
    let serving = Serving::start(&world, &arguments);
    world.set("CI_REGISTRY", &serving.address);
    world.set("CI_REGISTRY_USER", "ci");
    world.set("CI_REGISTRY_PASSWORD", "correct horse");
    let push = |name: &str| world.run(&["--image", &format!("{}/{name}", serving.address)]);
    let pushed = push("team/app");
    assert_eq!(pushed.status, 0, "{pushed}");
    assert_eq!(push("team/app").digest(), pushed.digest());
    let refused = push("other/app").failure();
    assert!(refused.ends_with("exit code 4"), "{refused}");
}

/// How clients and TLS get on is tested with the library: `notes-build` speaks plain HTTP to every loopback address.
#[tokio::test]
async fn a_registry_with_tls_says_so() {
    let test = "a_registry_with_tls_says_so";
    let Some(world) = World::new(test).await else { return };
    if certificates(&world, test).is_none() {
        return;
    }
    let tls = ["--tls-certificate=server.pem", "--tls-key=server.key", "--tls-client-ca=ca.pem"];
    let mut serving = Serving::start(&world, &tls);
    serving.kill("TERM");
    insta::assert_snapshot!(serving.ended(&world), @r"
         Serving HOME/registry, over TLS with client certificates on ADDRESS
        Stopping when the requests under way have ended, or at a second signal
         Stopped the registry on ADDRESS
    exit code 0
    ");
}
