//! Somebody who asks a server over and over, and counts what comes back.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long an answer may take, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until it is told to stop.
pub(crate) struct Asker {
    is_over: Arc<AtomicBool>,
    asking: JoinHandle<Answers>,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// How often the answer was the one that was wanted.
    pub(crate) good: usize,
    /// The other answers, and when they came.
    pub(crate) bad: Vec<(Duration, String)>,
}

impl Asker {
    /// Begins to ask, a connection for each question, and wants `answer`. Returns `None` where there is no such answer within `limit`.
    pub(crate) fn begin(
        address: SocketAddr,
        answer: &'static str,
        limit: Duration,
    ) -> Option<Self> {
        let begun = Instant::now();
        while ask(address).as_deref() != Ok(answer) {
            if begun.elapsed() > limit {
                return None;
            }
            thread::sleep(PAUSE);
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        let asking = thread::spawn(move || {
            let begun = Instant::now();
            let mut answers = Answers::default();
            while !ended.load(Ordering::Relaxed) {
                match ask(address) {
                    Ok(text) if text == answer => answers.good += 1,
                    other => answers.bad.push((begun.elapsed(), format!("{other:?}"))),
                }
                thread::sleep(PAUSE);
            }
            answers
        });
        Some(Self { is_over, asking })
    }

    /// Stops asking.
    pub(crate) fn end(self) -> Answers {
        self.is_over.store(true, Ordering::Relaxed);
        self.asking.join().expect("it panics nowhere")
    }
}

/// Asks for the first page, and returns what stands on it.
fn ask(address: SocketAddr) -> Result<String, String> {
    let text = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text: String = text().map_err(|error: std::io::Error| error.to_string())?;
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(body.trim().into()),
        _ => Err(text),
    }
}
