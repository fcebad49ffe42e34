//! Latency between the programs and the registry: a proxy that delivers each byte later.
//!
//! The kernel's netem would do it without a copy, but not every kernel has it.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Bytes taken at once, and how many such pieces may be under way in one direction: more than two cores move in the time.
const PIECE: usize = 128 * 1024;
const UNDER_WAY: usize = 512;

/// Where a registry is reached with a delay. What runs in it ends with this program.
pub(super) struct Latency(SocketAddr);

impl Latency {
    /// Puts `milliseconds` before `registry`, half of them in each direction. None is the registry itself.
    pub(super) fn before(registry: SocketAddr, milliseconds: u64) -> io::Result<Self> {
        if milliseconds == 0 {
            return Ok(Self(registry));
        }
        let delay = Duration::from_millis(milliseconds) / 2;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A connection that fails is for its client to complain of.
                let _ = connect(client, registry, delay);
            }
        });
        Ok(Self(address))
    }

    /// Returns where to connect to.
    pub(super) fn address(&self) -> SocketAddr {
        self.0
    }
}

fn connect(client: TcpStream, registry: SocketAddr, delay: Duration) -> io::Result<()> {
    let server = TcpStream::connect(registry)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    carry(client.try_clone()?, server.try_clone()?, delay);
    carry(server, client, delay);
    Ok(())
}

/// Carries what `from` sends to `to`, each piece a `delay` later.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, pieces) = mpsc::sync_channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_as_much_later_as_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 4];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(&question).unwrap();
        });
        let mut stream =
            TcpStream::connect(Latency::before(registry, 60).unwrap().address()).unwrap();
        let asked = Instant::now();
        stream.write_all(b"ping").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ping");
        assert!(asked.elapsed() >= Duration::from_millis(60));
    }
}
