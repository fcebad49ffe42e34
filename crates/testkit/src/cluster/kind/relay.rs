//! Connections passed on from one address of this machine to another.

use std::{
    io,
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Passes on what connects to a free port of `listen`, as long as this process lives, and returns the address.
pub(super) fn start(listen: IpAddr, to: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((listen, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || pass_on(&client, to));
        }
    });
    Ok(address)
}

/// Both directions, each until its sender is done. A connection that breaks ends the other one, which is all that can be
/// said about it.
fn pass_on(client: &TcpStream, to: SocketAddr) {
    let Ok(server) = TcpStream::connect(to) else { return };
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let copied = io::copy(&mut from, &mut to);
    let _ = to.shutdown(if copied.is_ok() { Shutdown::Write } else { Shutdown::Both });
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn what_is_sent_comes_back() {
        let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let to = server.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut asked = String::new();
            stream.read_to_string(&mut asked).unwrap();
            stream.write_all(asked.to_uppercase().as_bytes()).unwrap();
        });
        let address = start(IpAddr::from([127, 0, 0, 1]), to).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"a question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "A QUESTION");
        answering.join().unwrap();
    }
}
