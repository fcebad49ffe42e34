//! `ADD` of files behind URLs, from a server on loopback.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use notes_testkit::{WebAnswer, WebRequest, WebServer};

use crate::world::{Ran, World};

/// A server of one file, which may change.
#[derive(Clone, Default)]
struct File {
    content: Arc<Mutex<String>>,
    /// How often it was sent.
    sent: Arc<AtomicUsize>,
}

impl File {
    fn new(content: &str) -> Self {
        let file = Self::default();
        file.write(content);
        file
    }

    fn write(&self, content: &str) {
        content.clone_into(&mut self.content.lock().unwrap());
    }

    /// How often it was sent since the last call.
    fn take_sent(&self) -> usize {
        self.sent.swap(0, Ordering::Relaxed)
    }

    fn serve(&self) -> WebServer {
        let file = self.clone();
        WebServer::start(move |request| file.answer(request))
    }

    fn answer(&self, request: &WebRequest) -> WebAnswer {
        let content = self.content.lock().unwrap().clone();
        let entity_tag = format!("\"{content}\"");
        let is_known = request.header("if-none-match") == Some(&entity_tag);
        match request.target.as_str() {
            "/dir/file.txt" if is_known => WebAnswer::new("304 Not Modified", ""),
            "/dir/file.txt" => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                WebAnswer::new("200 OK", content).with("ETag", entity_tag)
            }
            "/untagged" => WebAnswer::new("200 OK", content),
            _ => WebAnswer::new("404 Not Found", ""),
        }
    }
}

fn cached(ran: &Ran) -> usize {
    assert_eq!(ran.status, 0, "{ran}");
    ran.stderr.matches("Cached [").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_downloaded_and_asked_about() {
    let test = "a_file_is_downloaded_and_asked_about";
    let Some(world) = World::new(test).await else { return };
    let file = File::new("one");
    let server = file.serve();
    let directory = world.home().join("files");
    let output = format!("type=local,dest={}", directory.display());
    world.commit(&format!(
        "FROM scratch\nADD {} /in/\nADD --chmod=644 {} /renamed\n",
        server.url("/dir/file.txt"),
        server.url("/untagged"),
    ));
    let first = world.build(&["-o", &output]);
    let read = |path: &str| std::fs::read_to_string(directory.join(path)).unwrap();
    assert_eq!((read("in/file.txt"), read("renamed")), ("one".into(), "one".into()));
    assert_eq!((cached(&first), file.take_sent()), (0, 1));

    let again = world.build(&[]);
    assert_eq!((cached(&again), file.take_sent()), (2, 0), "{again}");
    let anew = world.build(&["--no-cache"]);
    assert_eq!((cached(&anew), file.take_sent()), (0, 1), "{anew}");
    assert_eq!(anew.digest(), again.digest());

    file.write("two");
    let changed = world.build(&["-o", &output]);
    assert_eq!(cached(&changed), 0, "{changed}");
    assert_eq!((read("in/file.txt"), read("renamed")), ("two".into(), "two".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_a_checksum_is_downloaded_once() {
    let test = "a_file_with_a_checksum_is_downloaded_once";
    let Some(world) = World::new(test).await else { return };
    let file = File::new("one");
    let server = file.serve();
    // sha256sum of `one` and of `two`.
    let one = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    let two = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";
    let url = server.url("/dir/file.txt");
    world.commit(&format!("FROM scratch\nADD --checksum=sha256:{one} {url} /\n"));
    assert_eq!(cached(&world.build(&[])), 0);
    assert_eq!(server.take_lines(), ["GET /dir/file.txt"]);
    assert_eq!(cached(&world.build(&[])), 1);
    assert_eq!(server.take_lines(), <[String; 0]>::default());

    world.commit(&format!("FROM scratch\nADD --checksum=sha256:{two} {url} /\n"));
    let failure = world.fail(&[]).replace(&server.host(), "SERVER");
    insta::assert_snapshot!(failure, @r"
    error: `http://SERVER/dir/file.txt` has the checksum sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed, and was to have sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3
     --> Dockerfile:2:16
      |
    2 | ADD --checksum=sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3 http://SERVER/dir/file.txt /
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: the file has changed, or it is not the one that was meant; look at it before you change the checksum
    exit code 3
    ");
    world.commit(&format!("FROM scratch\nADD {} /\n", server.url("/none")));
    let failure = world.fail(&[]).replace(&server.host(), "SERVER");
    insta::assert_snapshot!(failure, @r"
    error: failed to download `http://SERVER/none`: `GET http://SERVER/none` was answered with 404: Not Found
     --> Dockerfile:2:5
      |
    2 | ADD http://SERVER/none /
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    exit code 3
    ");
}
